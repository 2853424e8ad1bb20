reply 400 {"detail":"limit must be between 1 and 100","field":"limit","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
