//! A sign-in and what hangs on it: the refresh token, its end, and what a user does with an
//! access token.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::RngCore;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::client::{Client, REFRESH_TOKEN};
use super::pool::Pool;
use super::user::{Attribute, User, set_attributes};
use super::{error, nothing, password, token};
use crate::context::Context;
use crate::error::ServiceError;

/// A session's row.
pub(super) struct Session {
    pub(super) origin_jti: String,
    pub(super) sub: String,
    pub(super) client: String,
    pub(super) auth_ms: i64,
    pub(super) expires_ms: i64,
    pub(super) revoked: bool,
}

const COLUMNS: &str = "origin_jti, sub, client, auth_ms, expires_ms, revoked";

/// 256 random bits in letters, and what is kept of them.
pub(super) fn secret() -> (String, Vec<u8>) {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let secret = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let digest = digest(&secret);
    (secret, digest)
}

pub(super) fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

impl Session {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            origin_jti: row.get(0)?,
            sub: row.get(1)?,
            client: row.get(2)?,
            auth_ms: row.get(3)?,
            expires_ms: row.get(4)?,
            revoked: row.get(5)?,
        })
    }

    /// Begins a session; the second value is its refresh token.
    pub(super) fn begin(
        conn: &Connection,
        client: &Client,
        user: &User,
        now_ms: i64,
    ) -> Result<(Self, String), ServiceError> {
        let (refresh, digest) = secret();
        let session = Self {
            origin_jti: Uuid::new_v4().to_string(),
            sub: user.sub.clone(),
            client: client.id.clone(),
            auth_ms: now_ms,
            expires_ms: now_ms + client.lifetime_s(&REFRESH_TOKEN) * 1_000,
            revoked: false,
        };
        conn.prepare_cached("DELETE FROM cognito_session WHERE sub = ? AND expires_ms <= ?")?
            .execute(params![user.sub, now_ms])?;
        conn.prepare_cached(
            "INSERT INTO cognito_session (origin_jti, sub, client, refresh_digest, auth_ms, expires_ms)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            session.origin_jti,
            session.sub,
            session.client,
            digest,
            session.auth_ms,
            session.expires_ms
        ])?;
        Ok((session, refresh))
    }

    pub(super) fn with_origin(conn: &Connection, jti: &str) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM cognito_session WHERE origin_jti = ?");
        Ok(conn
            .prepare_cached(&sql)?
            .query_row([jti], Self::from_row)
            .optional()?)
    }

    pub(super) fn with_refresh_token(
        conn: &Connection,
        refresh: &str,
    ) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM cognito_session WHERE refresh_digest = ?");
        Ok(conn
            .prepare_cached(&sql)?
            .query_row([digest(refresh)], Self::from_row)
            .optional()?)
    }
}

/// A request that carries an access token, and what is to be changed.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WithToken {
    access_token: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
    #[serde(default)]
    previous_password: String,
    #[serde(default)]
    proposed_password: String,
}

/// Whose token it is.
struct Caller {
    pool: Pool,
    user: User,
    client: Client,
    now_ms: i64,
}

/// Runs `f` in a transaction for the user whose token it is.
async fn as_user<T: Send + 'static>(
    context: &Arc<Context>,
    token: &str,
    f: impl FnOnce(&Connection, Caller) -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let (shared, token, now_ms) = (
        Arc::clone(context),
        token.to_owned(),
        context.clock.now_ms(),
    );
    context
        .db
        .write(move |conn| {
            let (pool, user, session) = token::check_access(conn, &shared, &token, now_ms)?;
            let caller = Caller {
                pool,
                user,
                client: Client::get(conn, &session.client)?,
                now_ms,
            };
            f(conn, caller)
        })
        .await
}

pub(super) async fn sign_out(
    context: &Arc<Context>,
    request: WithToken,
) -> Result<Value, ServiceError> {
    as_user(context, &request.access_token, |conn, caller| {
        conn.prepare_cached("UPDATE cognito_session SET revoked = 1 WHERE sub = ?")?
            .execute([&caller.user.sub])?;
        Ok(nothing())
    })
    .await
}

pub(super) async fn get_user(
    context: &Arc<Context>,
    request: WithToken,
) -> Result<Value, ServiceError> {
    as_user(context, &request.access_token, |_, caller| {
        let user = caller.user;
        Ok(json!({ "Username": user.username, "UserAttributes": user.attribute_list() }))
    })
    .await
}

pub(super) async fn update_attributes(
    context: &Arc<Context>,
    request: WithToken,
) -> Result<Value, ServiceError> {
    let given = request.user_attributes;
    as_user(context, &request.access_token, move |conn, caller| {
        let Caller {
            mut user, client, ..
        } = caller;
        if let Some(refused) = given.iter().find(|a| !client.may_write(&a.name)) {
            return Err(error::unauthorized_attribute(&refused.name));
        }
        set_attributes(&mut user.attributes, &given)?;
        user.save(conn, caller.now_ms)?;
        Ok(json!({ "CodeDeliveryDetailsList": [] }))
    })
    .await
}

pub(super) async fn change_password(
    context: &Arc<Context>,
    request: WithToken,
) -> Result<Value, ServiceError> {
    let proposed = request.proposed_password.clone();
    let current = as_user(context, &request.access_token, move |_, caller| {
        caller.pool.policy().check(&proposed)?;
        Ok(caller.user.password)
    })
    .await?;
    if !password::fits(request.previous_password, current.clone()).await? {
        return Err(error::wrong_password());
    }
    let hash = password::hash(request.proposed_password).await?;
    as_user(context, &request.access_token, move |conn, caller| {
        let mut user = caller.user;
        if user.password != current {
            return Err(error::wrong_password());
        }
        user.password = Some(hash);
        user.save(conn, caller.now_ms)?;
        Ok(nothing())
    })
    .await
}
