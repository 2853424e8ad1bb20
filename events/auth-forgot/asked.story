forgot-password ana
reply 202
