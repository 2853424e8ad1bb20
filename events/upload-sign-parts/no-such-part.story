reply 400 {"detail":"part must be between 1 and 3, and is 4","field":"part","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
