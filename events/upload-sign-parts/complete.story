reply 409 {"detail":"the upload is over: the video is queued","status":409,"title":"Conflict","type":"/problems#upload-over"}
