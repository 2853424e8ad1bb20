reply 409 {"detail":"the file has 20971519 bytes, but 20971520 were announced","status":409,"title":"Conflict","type":"/problems#other-size"}
