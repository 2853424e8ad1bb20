confirm ana 123456
reply 200 {"confirmed":true,"username":"ana"}
