reply 409 {"detail":"it was retried 10 times, which is as often as a video may be; upload it again","status":409,"title":"Conflict","type":"/problems#too-many-retries"}
