reply 401 {"detail":"a valid token is needed: Authorization: Bearer <access token>","status":401,"title":"Unauthorized","type":"/problems#token-missing"}
