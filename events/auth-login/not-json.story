reply 400 {"detail":"the body is not the JSON expected here: expected value at line 1 column 1","status":400,"title":"Bad Request","type":"about:blank"}
