upload uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1 16 bytes
remove uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1
reply 400 {"detail":"every must be a time such as 1s, 500ms or 2m, or a number of seconds","field":"every","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
