reply 400 {"detail":"hdr keep needs format png","status":400,"title":"Bad Request","type":"about:blank"}
