//! A sign-in, its refresh token, and its end.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::RngCore;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::client::{Client, REFRESH_TOKEN};
use super::user::User;
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
