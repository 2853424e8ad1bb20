refresh a-refresh-token
reply 200 {"access_token":"access","expires_in":3600,"id_token":"id","token_type":"Bearer"}
