//! An identity provider that knows everybody.

use async_trait::async_trait;

use super::Recorder;
use crate::Result;
use crate::features::Permission;
use crate::ports::{Identity, Login, PasswordWanted, Tokens};

#[async_trait]
impl Identity for Recorder {
    async fn sign_up(&self, username: &str, _password: &str, email: &str) -> Result<String> {
        self.need(&[Permission::SIGN_UP]);
        self.write(format!("sign-up {username} {email}"))?;
        Ok(format!("user-{}", self.next_id()))
    }

    async fn confirm(&self, username: &str, code: &str) -> Result<()> {
        self.need(&[Permission::CONFIRM_SIGN_UP]);
        self.write(format!("confirm {username} {code}"))
    }

    async fn resend_code(&self, username: &str) -> Result<()> {
        self.need(&[Permission::RESEND_CODE]);
        self.write(format!("resend-code {username}"))
    }

    async fn forgot_password(&self, username: &str) -> Result<()> {
        self.need(&[Permission::FORGOT_PASSWORD]);
        self.write(format!("forgot-password {username}"))
    }

    async fn reset_password(&self, username: &str, code: &str, _password: &str) -> Result<()> {
        self.need(&[Permission::RESET_PASSWORD]);
        self.write(format!("reset-password {username} {code}"))
    }

    async fn login(&self, username: &str, _password: &str) -> Result<Login> {
        self.need(&[Permission::INITIATE_AUTH]);
        self.write(format!("login {username}"))?;
        Ok(if self.given.password_is_temporary {
            Login::PasswordWanted(PasswordWanted {
                challenge: "NEW_PASSWORD_REQUIRED".to_owned(),
                session: "session".to_owned(),
            })
        } else {
            Login::Done(tokens(Some("refresh")))
        })
    }

    async fn choose_password(
        &self,
        username: &str,
        session: &str,
        _password: &str,
    ) -> Result<Tokens> {
        self.need(&[Permission::ANSWER_CHALLENGE]);
        self.write(format!("choose-password {username} {session}"))?;
        Ok(tokens(Some("refresh")))
    }

    async fn refresh(&self, refresh_token: &str) -> Result<Tokens> {
        self.need(&[Permission::INITIATE_AUTH]);
        self.write(format!("refresh {refresh_token}"))?;
        Ok(tokens(None))
    }

    async fn logout(&self, access_token: &str) -> Result<()> {
        self.need(&[Permission::SIGN_OUT]);
        self.write(format!("logout {access_token}"))
    }

    async fn email(&self, username: &str) -> Result<Option<String>> {
        self.need(&[Permission::GET_USER]);
        self.write(format!("ask-email {username}"))?;
        Ok(Some(format!("{username}@example.com")))
    }
}

fn tokens(refresh_token: Option<&str>) -> Tokens {
    Tokens {
        access_token: "access".to_owned(),
        id_token: "id".to_owned(),
        refresh_token: refresh_token.map(str::to_owned),
        token_type: "Bearer".to_owned(),
        expires_in: 3_600,
    }
}
