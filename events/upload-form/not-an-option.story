upload uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1 16 bytes
remove uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1
reply 400 {"detail":"samples must be square or as-is","field":"samples","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
