reply 400 {"detail":"the form has no field named file","status":400,"title":"Bad Request","type":"/problems#bad-request"}
