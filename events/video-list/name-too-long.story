reply 400 {"detail":"q has at most 200 characters","field":"q","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
