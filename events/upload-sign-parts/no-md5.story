reply 400 {"detail":"content_md5 is not an MD5 sum in base64","field":"content_md5","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
