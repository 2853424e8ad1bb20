//! The tokens: what Cognito says in them, and how an access token is checked.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::client::{ACCESS_TOKEN, Client, ID_TOKEN};
use super::keys::{self, SigningKey};
use super::pool::{Pool, issuer};
use super::session::Session;
use super::user::User;
use super::{error, group};
use crate::error::ServiceError;
use crate::state::State;

/// The claims of an id and an access token, not yet signed.
pub(super) struct Claims {
    id: Map<String, Value>,
    access: Map<String, Value>,
    /// Seconds that the access token lives.
    expires_in: i64,
}

impl Claims {
    pub(super) fn of(
        conn: &Connection,
        state: &State,
        client: &Client,
        user: &User,
        session: &Session,
        now_ms: i64,
    ) -> Result<Self, ServiceError> {
        let now = now_ms / 1_000;
        let mut common = Map::new();
        common.insert("sub".into(), json!(user.sub));
        let groups = group::names_of(conn, user)?;
        if !groups.is_empty() {
            common.insert("cognito:groups".into(), Value::Array(groups));
        }
        common.insert("iss".into(), json!(issuer(state, &user.pool)));
        common.insert("origin_jti".into(), json!(session.origin_jti));
        common.insert("event_id".into(), json!(Uuid::new_v4().to_string()));
        common.insert("auth_time".into(), json!(session.auth_ms / 1_000));
        common.insert("iat".into(), json!(now));

        let mut id = common.clone();
        for (name, value) in &user.attributes {
            let claim = match name.as_str() {
                "email_verified" | "phone_number_verified" => json!(value == "true"),
                _ => json!(value),
            };
            id.insert(name.clone(), claim);
        }
        id.insert("cognito:username".into(), json!(user.username));
        id.insert("aud".into(), json!(client.id));
        id.insert("token_use".into(), json!("id"));
        id.insert("exp".into(), json!(now + client.lifetime_s(&ID_TOKEN)));
        id.insert("jti".into(), json!(Uuid::new_v4().to_string()));

        let mut access = common;
        let expires_in = client.lifetime_s(&ACCESS_TOKEN);
        access.insert("username".into(), json!(user.username));
        access.insert("client_id".into(), json!(client.id));
        access.insert("token_use".into(), json!("access"));
        access.insert("scope".into(), json!("aws.cognito.signin.user.admin"));
        access.insert("exp".into(), json!(now + expires_in));
        access.insert("jti".into(), json!(Uuid::new_v4().to_string()));
        Ok(Self {
            id,
            access,
            expires_in,
        })
    }

    /// `AuthenticationResult`, without a refresh token.
    pub(super) fn sign(&self, key: &SigningKey) -> Result<Value, ServiceError> {
        Ok(json!({
            "AccessToken": sign(&self.access, key)?,
            "IdToken": sign(&self.id, key)?,
            "ExpiresIn": self.expires_in,
            "TokenType": "Bearer",
        }))
    }
}

fn sign(claims: &Map<String, Value>, key: &SigningKey) -> Result<String, ServiceError> {
    let mut header = Header::new(Algorithm::RS256);
    header.typ = None;
    header.kid = Some(key.kid.clone());
    let signing = EncodingKey::from_rsa_der(&key.private_der);
    jsonwebtoken::encode(&header, claims, &signing).map_err(|error| {
        tracing::error!(%error, "a token was not signed");
        ServiceError::internal()
    })
}

/// Whose access token this is, if it is ours, still counts and was not revoked.
pub(super) fn check_access(
    conn: &Connection,
    state: &State,
    token: &str,
    now_ms: i64,
) -> Result<(Pool, User, Session), ServiceError> {
    let invalid = || error::not_authorized("Invalid Access Token");
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
    let kid = header.kid.ok_or_else(invalid)?;
    let (pool, jwk) = keys::published(conn, &kid)?.ok_or_else(invalid)?;
    let jwk: Jwk = serde_json::from_value(jwk)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| ServiceError::internal())?;
    // Expiry is checked below, by this server's clock.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.set_issuer(&[issuer(state, &pool)]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation)
        .map_err(|_| invalid())?
        .claims;
    if claims["token_use"] != "access" {
        return Err(invalid());
    }
    if claims["exp"]
        .as_i64()
        .is_none_or(|exp| exp * 1_000 <= now_ms)
    {
        return Err(error::not_authorized("Access Token has expired"));
    }
    let sub = claims["sub"].as_str().ok_or_else(invalid)?;
    let user = User::with_sub(conn, sub)?.ok_or_else(error::user_not_found)?;
    let origin_jti = claims["origin_jti"].as_str().ok_or_else(invalid)?;
    let session = Session::with_origin(conn, origin_jti)?.filter(|session| !session.revoked);
    let session = session.ok_or_else(|| error::not_authorized("Access Token has been revoked"))?;
    if !user.enabled {
        return Err(error::not_authorized("User is disabled."));
    }
    Ok((Pool::get(conn, &pool)?, user, session))
}
