reply 409 {"detail":"a video that is queued cannot be made done","status":409,"title":"Conflict","type":"/problems#no-such-step"}
