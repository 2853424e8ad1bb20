reply 404 {"detail":"there is no such video","status":404,"title":"Not Found","type":"/problems#not-found"}
