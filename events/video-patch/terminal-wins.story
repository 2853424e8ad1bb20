reply 409 {"detail":"a video that is done cannot be made failed","status":409,"title":"Conflict","type":"/problems#no-such-step"}
