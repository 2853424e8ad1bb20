sign-up ana ana@example.com !! this name is taken
reply 422 {"detail":"this name is taken","status":422,"title":"Unprocessable Entity","type":"/problems#unprocessable"}
