resend-code ana
reply 202
