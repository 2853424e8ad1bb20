reply 409 {"detail":"only a video that has ended can be retried; this one is processing","status":409,"title":"Conflict","type":"/problems#not-ended"}
