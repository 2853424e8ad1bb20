reply 409 {"detail":"there is no zip: the video is processing","status":409,"title":"Conflict","type":"/problems#not-done"}
