reply 415 {"detail":"send the file as multipart/form-data, in a field named file","status":415,"title":"Unsupported Media Type","type":"/problems#unsupported-media-type"}
