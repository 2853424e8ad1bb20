reply 409 {"detail":"its parts are gone; begin another upload","status":409,"title":"Conflict","type":"/problems#upload-over"}
