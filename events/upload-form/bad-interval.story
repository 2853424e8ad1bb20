upload uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1 16 bytes
remove uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1
reply 400 {"detail":"every \"never\" is not an interval such as 1s, 500ms or 2m","status":400,"title":"Bad Request","type":"about:blank"}
