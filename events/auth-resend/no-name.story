reply 400 {"detail":"username is missing","field":"username","status":400,"title":"Bad Request","type":"/problems#missing-field"}
