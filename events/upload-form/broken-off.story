reply 400 {"detail":"the form broke off or is malformed","status":400,"title":"Bad Request","type":"/problems#bad-request"}
