logout the.access.token
reply 204
