reply 400 {"detail":"session is missing","field":"session","status":400,"title":"Bad Request","type":"/problems#missing-field"}
