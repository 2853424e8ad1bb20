reply 400 {"detail":"hdr keep needs format png","field":"hdr","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
