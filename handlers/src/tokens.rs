//! Verifies the tokens of a Cognito user pool, offline, against the pool's published keys.
//!
//! What makes a token good is decided by the settings and the key, never by the token: issuer
//! and key set derive from the pool, the algorithm is the key's own, and a token counts only
//! for the app client it was made for.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>

mod keys;

use async_trait::async_trait;
use fotograma_core::{Error, Result};
use http::StatusCode;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use lambda_anywhere::Caller;
use serde::Deserialize;

use crate::aws::Aws;
use keys::Keys;
pub use keys::{Fetch, KeySet};
use lambda_anywhere::Authenticator;

/// How far the clocks of Cognito and of this machine may be apart, in seconds.
const LEEWAY: u64 = 5;
/// The longest token that is looked at, in bytes; HTTP servers take no longer header anyway.
const MAX_TOKEN: usize = 16 * 1024;

/// Tells who a token belongs to.
pub struct Verifier {
    client_id: String,
    validation: Validation,
    keys: Keys,
}

impl Verifier {
    /// Verifies tokens of the pool and the app client that `aws` names.
    ///
    /// # Errors
    /// When they cannot be found.
    pub async fn new(aws: &Aws) -> Result<Self> {
        let (pool, settings) = (aws.user_pool_id().await?, aws.settings());
        let aws_name = format!("https://cognito-idp.{}.amazonaws.com/{pool}", aws.region());
        let home = match &settings.endpoint_url {
            Some(url) => format!("{}/{pool}", url.trim_end_matches('/')),
            None => aws_name.clone(),
        };
        let key_set = KeySet::new(format!("{home}/.well-known/jwks.json"));
        let issuers = match &settings.issuer {
            Some(issuer) => vec![issuer.clone()],
            // An emulator signs in its own name or in that of AWS; the keys are its own either way.
            None => vec![home, aws_name],
        };
        let client_id = aws.client_id().await?;
        Ok(Self::with(&issuers, client_id, Box::new(key_set)))
    }

    /// Verifies tokens of one of these issuers for this app client, signed by one of the keys that
    /// `key_set` gives.
    #[must_use]
    pub fn with(issuers: &[String], client_id: &str, key_set: Box<dyn Fetch>) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        // Access tokens have a client id instead; both are checked with the claims.
        validation.validate_aud = false;
        validation.set_issuer(issuers);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        Self {
            client_id: client_id.to_owned(),
            validation,
            keys: Keys::new(key_set),
        }
    }

    /// The caller that a token stands for.
    ///
    /// # Errors
    /// 401 for a token that is not valid; [`Error::Transient`] when the keys cannot be fetched.
    pub async fn verify(&self, token: &str) -> Result<Caller> {
        if token.len() > MAX_TOKEN {
            return Err(not_valid());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| not_valid())?;
        if header.alg != Algorithm::RS256 {
            return Err(not_valid());
        }
        let kid = header.kid.ok_or_else(not_valid)?;
        let key = self.keys.get(&kid).await?.ok_or_else(not_valid)?;
        match jsonwebtoken::decode::<Claims>(token, &key, &self.validation) {
            Ok(token) => token
                .claims
                .into_caller(&self.client_id)
                .ok_or_else(not_valid),
            Err(error) if *error.kind() == ErrorKind::ExpiredSignature => Err(expired()),
            Err(error) => {
                tracing::debug!(%error, "a token is not valid");
                Err(not_valid())
            }
        }
    }
}

#[async_trait]
impl Authenticator for Verifier {
    async fn caller(&self, token: &str) -> Result<Caller> {
        self.verify(token).await
    }
}

fn not_valid() -> Error {
    Error::rejected(StatusCode::UNAUTHORIZED, "the token is not valid").of_kind("token-invalid")
}

fn expired() -> Error {
    Error::rejected(StatusCode::UNAUTHORIZED, "the token has expired").of_kind("token-expired")
}

/// What both kinds of token say; each says some of it in its own way.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    token_use: String,
    /// Of an access token: whom it was made for.
    client_id: Option<String>,
    /// Of an id token: whom it was made for.
    aud: Option<String>,
    username: Option<String>,
    #[serde(rename = "cognito:username")]
    cognito_username: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    #[serde(default, rename = "cognito:groups")]
    groups: Vec<String>,
}

impl Claims {
    fn into_caller(self, client_id: &str) -> Option<Caller> {
        let (made_for, username) = match self.token_use.as_str() {
            "access" => (self.client_id, self.username),
            "id" => (self.aud, self.cognito_username),
            _ => return None,
        };
        if made_for.as_deref() != Some(client_id) || self.sub.is_empty() {
            return None;
        }
        Some(Caller {
            user_id: self.sub,
            username: username?,
            email: self.email.filter(|_| self.email_verified),
            groups: self.groups,
        })
    }
}

#[cfg(test)]
mod tests;
