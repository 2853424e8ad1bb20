reply 400 {"detail":"say either filename, or status with or without reason","status":400,"title":"Bad Request","type":"/problems#bad-request"}
