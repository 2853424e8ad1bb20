//! An identity provider that knows everybody.

use async_trait::async_trait;

use super::Recorder;
use crate::Result;
use crate::features::Permission;
use crate::ports::{Identity, Tokens};

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

    async fn login(&self, username: &str, _password: &str) -> Result<Tokens> {
        self.need(&[Permission::INITIATE_AUTH]);
        self.write(format!("login {username}"))?;
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
