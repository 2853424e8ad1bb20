reply 400 {"detail":"limit must be between 1 and 100","status":400,"title":"Bad Request","type":"about:blank"}
