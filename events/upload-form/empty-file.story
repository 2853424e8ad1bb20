upload uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1 0 bytes
remove uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1
reply 400 {"detail":"the file is empty","field":"size","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
