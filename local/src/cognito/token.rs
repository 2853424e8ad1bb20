//! The tokens: what Cognito says in them, how an access token is checked, and the key of a pool that
//! signs them, made once and published as a JWK set.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::client::{ACCESS_TOKEN, Client, ID_TOKEN};
use super::pool::{Pool, issuer};
use super::session::Session;
use super::user::User;
use super::{busy, error};
use crate::context::Context;
use crate::error::ServiceError;

/// The claims of an id and an access token, not yet signed.
pub(super) struct Claims {
    id: Map<String, Value>,
    access: Map<String, Value>,
    /// Seconds that the access token lives.
    expires_in: i64,
}

impl Claims {
    pub(super) fn new(
        conn: &Connection,
        context: &Context,
        client: &Client,
        user: &User,
        session: &Session,
        now_ms: i64,
    ) -> Result<Self, ServiceError> {
        let now = now_ms / 1_000;
        let mut common = Map::new();
        common.insert("sub".into(), json!(user.sub));
        let groups = groups_of(conn, user)?;
        if !groups.is_empty() {
            common.insert("cognito:groups".into(), Value::Array(groups));
        }
        common.insert("iss".into(), json!(issuer(context, &user.pool)));
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
    context: &Context,
    token: &str,
    now_ms: i64,
) -> Result<(Pool, User, Session), ServiceError> {
    let invalid = || error::not_authorized("Invalid Access Token");
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
    let kid = header.kid.ok_or_else(invalid)?;
    let (pool, jwk) = published_key(conn, &kid)?.ok_or_else(invalid)?;
    let jwk: Jwk = serde_json::from_value(jwk)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| ServiceError::internal())?;
    // Expiry is checked below, by this server's clock.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.set_issuer(&[issuer(context, &pool)]);
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
    Ok((Pool::get(conn, &pool)?, user, session))
}

/// The value of `cognito:groups`: the group with the lowest precedence first, those without any last.
fn groups_of(conn: &Connection, user: &User) -> Result<Vec<Value>, ServiceError> {
    let mut statement = conn.prepare_cached(
        "SELECT name FROM cognito_group JOIN cognito_member USING (pool, name)
         WHERE sub = ? ORDER BY ifnull(settings ->> '$.Precedence', 1 << 40), name",
    )?;
    let names = statement.query_map([&user.sub], |row| Ok(Value::String(row.get(0)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// The key that signs.
#[derive(Clone)]
pub(super) struct SigningKey {
    pub(super) kid: String,
    /// PKCS #1.
    pub(super) private_der: Vec<u8>,
}

/// Makes a new pool's key in the background: it takes a good part of a second.
pub(super) fn prepare_key(context: &Arc<Context>, pool: String) {
    let context = Arc::clone(context);
    context.clone().tasks.spawn(async move {
        if let Err(error) = signing_key(&context, &pool).await {
            tracing::warn!(%error, pool, "no key was made ahead of time");
        }
    });
}

/// The pool's key, made now if it is not there yet. Where two make it, the first one counts.
pub(super) async fn signing_key(context: &Context, pool: &str) -> Result<SigningKey, ServiceError> {
    if let Some(key) = stored_key(context, pool).await? {
        return Ok(key);
    }
    let (key, jwk) = busy(generate_key).await?;
    let id = pool.to_owned();
    let insert = move |conn: &Connection| {
        Pool::get(conn, &id)?;
        conn.prepare_cached(
            "INSERT INTO cognito_key (kid, pool, private_der, jwk) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![key.kid, id, key.private_der, jwk.to_string()])?;
        Ok::<_, ServiceError>(())
    };
    context.db.write(insert).await?;
    let stored = stored_key(context, pool).await?;
    stored.ok_or_else(ServiceError::internal)
}

async fn stored_key(context: &Context, pool: &str) -> Result<Option<SigningKey>, ServiceError> {
    let pool = pool.to_owned();
    context
        .db
        .read(move |conn| {
            let mut statement =
                conn.prepare_cached("SELECT kid, private_der FROM cognito_key WHERE pool = ?")?;
            let key = statement.query_row([pool], |row| {
                Ok(SigningKey {
                    kid: row.get(0)?,
                    private_der: row.get(1)?,
                })
            });
            Ok(key.optional()?)
        })
        .await
}

fn generate_key() -> Result<(SigningKey, Value), ServiceError> {
    let failed = |error: String| {
        tracing::error!(error, "no signing key was made");
        ServiceError::internal()
    };
    let key = RsaPrivateKey::new(&mut OsRng, 2_048).map_err(|e| failed(e.to_string()))?;
    let der = key.to_pkcs1_der().map_err(|e| failed(e.to_string()))?;
    let kid = BASE64_URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
    let number = |n: &BigUint| BASE64_URL_SAFE_NO_PAD.encode(n.to_bytes_be());
    let jwk = json!({
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": kid,
        "n": number(key.n()),
        "e": number(key.e()),
    });
    Ok((
        SigningKey {
            kid,
            private_der: der.as_bytes().to_vec(),
        },
        jwk,
    ))
}

/// The published half of the key with this id, and its pool.
fn published_key(conn: &Connection, kid: &str) -> Result<Option<(String, Value)>, ServiceError> {
    let found = conn
        .prepare_cached("SELECT pool, jwk FROM cognito_key WHERE kid = ?")?
        .query_row([kid], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    found
        .map(|(pool, jwk)| Ok((pool, serde_json::from_str(&jwk)?)))
        .transpose()
}

/// `/.well-known/jwks.json`.
pub(super) async fn jwks(context: &Context, pool: &str) -> Result<Value, ServiceError> {
    require_pool(context, pool).await?;
    let SigningKey { kid, .. } = signing_key(context, pool).await?;
    let jwk = context
        .db
        .read(move |conn| published_key(conn, &kid))
        .await?;
    Ok(json!({ "keys": jwk.into_iter().map(|(_, jwk)| jwk).collect::<Vec<_>>() }))
}

/// `/.well-known/openid-configuration`, as far as a verifier of tokens reads it.
pub(super) async fn openid_configuration(
    context: &Context,
    pool: &str,
) -> Result<Value, ServiceError> {
    require_pool(context, pool).await?;
    let issuer = issuer(context, pool);
    Ok(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    }))
}

async fn require_pool(context: &Context, pool: &str) -> Result<(), ServiceError> {
    let id = pool.to_owned();
    let found = context
        .db
        .read(move |conn| Pool::get(conn, &id).map(|_| ()))
        .await;
    found.map_err(|mut e: ServiceError| {
        if !e.status.is_server_error() {
            e = ServiceError::new(http::StatusCode::NOT_FOUND, e.code, e.message);
        }
        e
    })
}
