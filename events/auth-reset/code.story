reset-password ana 123456
reply 204
