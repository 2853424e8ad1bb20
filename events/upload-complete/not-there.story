reply 409 {"detail":"the file has not been uploaded yet","status":409,"title":"Conflict","type":"/problems#not-uploaded"}
