reply 400 {"detail":"status must be awaiting_upload, queued, processing, done or failed","field":"status","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
