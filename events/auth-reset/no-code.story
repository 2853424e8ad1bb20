reply 400 {"detail":"code is missing","field":"code","status":400,"title":"Bad Request","type":"/problems#missing-field"}
