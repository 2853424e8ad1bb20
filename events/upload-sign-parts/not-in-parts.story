reply 409 {"detail":"this upload is not in parts","status":409,"title":"Conflict","type":"/problems#not-in-parts"}
