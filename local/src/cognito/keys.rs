//! A pool's signing key: made once, kept with the pool, published as a JWK set.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use uuid::Uuid;

use super::busy;
use super::pool::{Pool, issuer};
use crate::error::ServiceError;
use crate::state::State;

/// Lets one key be made at a time, so that two who need it do not both make it.
#[derive(Debug, Default)]
pub(crate) struct Keys(tokio::sync::Mutex<()>);

/// The key that signs.
#[derive(Clone)]
pub(super) struct SigningKey {
    pub(super) kid: String,
    /// PKCS #1.
    pub(super) private_der: Vec<u8>,
}

/// Makes a new pool's key in the background: it takes a good part of a second.
pub(super) fn prepare(state: &Arc<State>, pool: String) {
    let state = Arc::clone(state);
    state.clone().tasks.spawn(async move {
        if let Err(error) = signing_key(&state, &pool).await {
            tracing::warn!(%error, pool, "no key was made ahead of time");
        }
    });
}

/// The pool's key, made now if it is not there yet.
pub(super) async fn signing_key(
    state: &Arc<State>,
    pool: &str,
) -> Result<SigningKey, ServiceError> {
    if let Some(key) = stored(state, pool).await? {
        return Ok(key);
    }
    let _one_at_a_time = state.cognito.0.lock().await;
    if let Some(key) = stored(state, pool).await? {
        return Ok(key);
    }
    let (key, jwk) = busy(generate).await?;
    let (pool, made) = (pool.to_owned(), key.clone());
    state
        .db
        .write(move |conn| {
            Pool::get(conn, &pool)?;
            conn.prepare_cached(
                "INSERT INTO cognito_key (kid, pool, private_der, jwk) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![made.kid, pool, made.private_der, jwk.to_string()])?;
            Ok::<_, ServiceError>(())
        })
        .await?;
    Ok(key)
}

async fn stored(state: &Arc<State>, pool: &str) -> Result<Option<SigningKey>, ServiceError> {
    let pool = pool.to_owned();
    state
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

fn generate() -> Result<(SigningKey, Value), ServiceError> {
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
pub(super) fn published(
    conn: &Connection,
    kid: &str,
) -> Result<Option<(String, Value)>, ServiceError> {
    let found = conn
        .prepare_cached("SELECT pool, jwk FROM cognito_key WHERE kid = ?")?
        .query_row([kid], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    found
        .map(|(pool, jwk)| Ok((pool, serde_json::from_str(&jwk)?)))
        .transpose()
}

/// `/.well-known/jwks.json`.
pub(super) async fn jwks(state: &Arc<State>, pool: &str) -> Result<Value, ServiceError> {
    known(state, pool).await?;
    let SigningKey { kid, .. } = signing_key(state, pool).await?;
    let jwk = state.db.read(move |conn| published(conn, &kid)).await?;
    Ok(json!({ "keys": jwk.into_iter().map(|(_, jwk)| jwk).collect::<Vec<_>>() }))
}

/// `/.well-known/openid-configuration`, as far as a verifier of tokens reads it.
pub(super) async fn openid_configuration(
    state: &Arc<State>,
    pool: &str,
) -> Result<Value, ServiceError> {
    known(state, pool).await?;
    let issuer = issuer(state, pool);
    Ok(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    }))
}

async fn known(state: &Arc<State>, pool: &str) -> Result<(), ServiceError> {
    let id = pool.to_owned();
    let found = state
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
