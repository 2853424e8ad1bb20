reply 409 {"detail":"the file has not been uploaded yet: of 3 parts, 2 are missing (1, 3)","status":409,"title":"Conflict","type":"/problems#not-uploaded"}
