reply 400 {"detail":"the body is not JSON: it goes wrong at line 1, column 1","status":400,"title":"Bad Request","type":"/problems#malformed-body"}
