reply 403 {"detail":"this needs the group operators","status":403,"title":"Forbidden","type":"/problems#forbidden"}
