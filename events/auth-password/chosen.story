choose-password ana session
reply 200 {"access_token":"access","expires_in":3600,"id_token":"id","refresh_token":"refresh","token_type":"Bearer"}
