reply 400 {"detail":"there is no field \"state\" here; there are limit, after, status, q","field":"state","status":400,"title":"Bad Request","type":"/problems#unknown-field"}
