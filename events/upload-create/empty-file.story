reply 400 {"detail":"the file is empty","field":"size","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
