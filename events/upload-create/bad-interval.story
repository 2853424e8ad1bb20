reply 400 {"detail":"every must be a time such as 1s, 500ms or 2m, or a number of seconds","field":"every","status":400,"title":"Bad Request","type":"/problems#invalid-field"}
