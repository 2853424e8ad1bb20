reply 400 {"detail":"the body is not the JSON expected here: every \"soon\" is not an interval such as 1s, 500ms or 2m at line 1 column 55","status":400,"title":"Bad Request","type":"about:blank"}
