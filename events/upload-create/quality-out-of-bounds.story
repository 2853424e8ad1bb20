reply 400 {"detail":"quality is from 2 (best) to 31","field":"quality","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
