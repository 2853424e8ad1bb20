login ana
reply 200 {"challenge":"NEW_PASSWORD_REQUIRED","session":"session"}
