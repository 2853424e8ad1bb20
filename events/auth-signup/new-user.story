sign-up ana ana@example.com
reply 201 {"confirmed":false,"user_id":"user-1","username":"ana"}
