reply 400 {"detail":"the file is empty","status":400,"title":"Bad Request","type":"about:blank"}
