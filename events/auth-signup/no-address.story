reply 400 {"detail":"email is not a mail address","field":"email","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
