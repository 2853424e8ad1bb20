//! The challenge to replace a temporary password with one's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::auth::{admit, client_and_pool};
use super::client::Client;
use super::pool::Pool;
use super::session::{digest, secret};
use super::user::{Attribute, CONFIRMED, User, set_attributes};
use super::{error, password};
use crate::error::ServiceError;
use crate::state::State;

const NEW_PASSWORD_REQUIRED: &str = "NEW_PASSWORD_REQUIRED";

/// A temporary password counts for a while, and only to choose one's own.
pub(super) async fn issue(
    state: &Arc<State>,
    client: Client,
    user: User,
) -> Result<Value, ServiceError> {
    let now_ms = state.clock.now_ms();
    if user.temporary_until_ms.is_some_and(|until| until <= now_ms) {
        return Err(error::not_authorized(
            "Temporary password has expired and must be reset by an administrator.",
        ));
    }
    let (token, digest) = secret();
    let attributes: Map<String, Value> = user
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let reply = json!({
        "ChallengeName": NEW_PASSWORD_REQUIRED,
        "Session": token,
        "ChallengeParameters": {
            "USER_ID_FOR_SRP": user.username,
            "requiredAttributes": "[]",
            "userAttributes": Value::Object(attributes).to_string(),
        },
    });
    state
        .db
        .write(move |conn| {
            conn.prepare_cached("DELETE FROM cognito_challenge WHERE expires_ms <= ?")?
                .execute([now_ms])?;
            conn.prepare_cached(
                "INSERT INTO cognito_challenge (digest, sub, client, expires_ms) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![digest, user.sub, client.id, now_ms + client.challenge_ms()])?;
            Ok::<_, ServiceError>(())
        })
        .await?;
    Ok(reply)
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Respond {
    client_id: String,
    user_pool_id: Option<String>,
    challenge_name: String,
    session: Option<String>,
    #[serde(default)]
    challenge_responses: BTreeMap<String, String>,
}

impl Respond {
    /// Who is challenged, if the session is one that was given out and not yet used.
    fn find(&self, conn: &Connection, now_ms: i64) -> Result<(Client, Pool, User), ServiceError> {
        let (client, pool) = client_and_pool(conn, &self.client_id, self.user_pool_id.as_deref())?;
        let username = self.response("USERNAME")?;
        let hash = self
            .challenge_responses
            .get("SECRET_HASH")
            .map(String::as_str);
        client.check_secret_hash(username, hash)?;
        let sub: Option<String> = conn
            .prepare_cached(
                "SELECT sub FROM cognito_challenge WHERE digest = ? AND client = ? AND expires_ms > ?",
            )?
            .query_row(params![self.digest(), client.id, now_ms], |row| row.get(0))
            .optional()?;
        let user = User::find(conn, &pool, username)?;
        let user = user.filter(|user| sub.as_ref() == Some(&user.sub));
        let user = user.ok_or_else(|| error::not_authorized("Invalid session for the user."))?;
        Ok((client, pool, user))
    }

    fn digest(&self) -> Vec<u8> {
        digest(self.session.as_deref().unwrap_or_default())
    }

    fn response(&self, name: &str) -> Result<&str, ServiceError> {
        let value = self.challenge_responses.get(name).map(String::as_str);
        value.ok_or_else(|| error::invalid_parameter(format!("Missing required parameter {name}")))
    }

    /// `userAttributes.<name>` sets an attribute along with the password.
    fn attributes(&self) -> Vec<Attribute> {
        let named = self.challenge_responses.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix("userAttributes.")?.to_owned();
            Some(Attribute {
                name,
                value: value.clone(),
            })
        });
        named.collect()
    }
}

pub(super) async fn respond(state: &Arc<State>, request: Respond) -> Result<Value, ServiceError> {
    if request.challenge_name != NEW_PASSWORD_REQUIRED {
        return Err(error::not_served(&format!(
            "The challenge {}",
            request.challenge_name
        )));
    }
    let new = request.response("NEW_PASSWORD")?.to_owned();
    let now_ms = state.clock.now_ms();
    let (early, candidate) = (request.clone(), new.clone());
    state
        .db
        .read(move |conn| {
            let (_, pool, _) = early.find(conn, now_ms)?;
            pool.policy().check(&candidate)
        })
        .await?;
    let hash = password::hash(new).await?;
    let (client, user) = state
        .db
        .write(move |conn| {
            let (client, pool, mut user) = request.find(conn, now_ms)?;
            set_attributes(&mut user.attributes, &request.attributes(), &pool)?;
            user.password = Some(hash);
            user.temporary_until_ms = None;
            CONFIRMED.clone_into(&mut user.status);
            user.save(conn, &pool, now_ms)?;
            conn.prepare_cached("DELETE FROM cognito_challenge WHERE digest = ?")?
                .execute([request.digest()])?;
            Ok::<_, ServiceError>((client, user))
        })
        .await?;
    admit(state, client, user).await
}
