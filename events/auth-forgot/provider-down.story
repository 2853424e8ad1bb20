forgot-password ana !! cognito-idp ForgotPassword
reply 503 {"detail":"a part of the system cannot be reached just now; try again in a moment","status":503,"title":"Service Unavailable","type":"/problems#unavailable"}
