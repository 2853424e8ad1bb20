reply 409 {"detail":"the upload is over; delete the video","status":409,"title":"Conflict","type":"/problems#upload-over"}
