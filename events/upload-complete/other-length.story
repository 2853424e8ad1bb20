reply 409 {"detail":"the file has 7 bytes, but 1048576 were announced","status":409,"title":"Conflict","type":"/problems#other-size"}
