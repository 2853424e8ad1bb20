reply 400 {"detail":"size is missing","field":"size","status":400,"title":"Bad Request","type":"/problems#missing-field"}
