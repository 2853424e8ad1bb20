reply 415 {"detail":"send the video as multipart/form-data, in a field named file","status":415,"title":"Unsupported Media Type","type":"about:blank"}
