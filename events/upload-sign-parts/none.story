reply 400 {"detail":"parts must name between 1 and 100 parts","field":"parts","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
