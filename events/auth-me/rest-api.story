reply 200 {"email":"ana@example.com","groups":["operators"],"user_id":"0190a6a0-7c1e-7000-8000-000000000001","username":"ana"}
