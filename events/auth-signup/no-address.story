reply 400 {"detail":"email is not a mail address","status":400,"title":"Bad Request","type":"about:blank"}
