reply 400 {"detail":"video_id has from 1 to 2048 bytes","field":"video_id","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
