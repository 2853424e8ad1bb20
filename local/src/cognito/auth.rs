//! Signing in: by password and by refresh token, and the challenge to replace a temporary password.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::Client;
use super::pool::Pool;
use super::session::{Session, digest, secret};
use super::token::{self, Claims};
use super::user::{Attribute, CONFIRMED, FORCE_CHANGE_PASSWORD, UNCONFIRMED, User, set_attributes};
use super::{error, password};
use crate::context::Context;
use crate::error::ServiceError;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Initiate {
    client_id: String,
    auth_flow: String,
    #[serde(default)]
    auth_parameters: BTreeMap<String, String>,
}

impl Initiate {
    fn parameter(&self, name: &str) -> Result<String, ServiceError> {
        let value = self.auth_parameters.get(name).cloned();
        value.ok_or_else(|| error::invalid_parameter(format!("Missing required parameter {name}")))
    }
}

pub(super) async fn initiate(
    context: &Arc<Context>,
    request: Initiate,
) -> Result<Value, ServiceError> {
    match request.auth_flow.as_str() {
        "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => return refresh(context, request).await,
        "USER_PASSWORD_AUTH" => {}
        other => return Err(error::not_served(&format!("The auth flow {other}"))),
    }
    let (username, given) = (
        request.parameter("USERNAME")?,
        request.parameter("PASSWORD")?,
    );
    let asked = request.clone();
    let (client, user) = context
        .db
        .read(move |conn| {
            let (client, pool) = client_and_pool(conn, &asked.client_id)?;
            if !client.allows(&["ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"]) {
                return Err(error::invalid_parameter(format!(
                    "{} flow not enabled for this client",
                    asked.auth_flow
                )));
            }
            let user = User::find(conn, &pool, &username)?;
            Ok((client, user))
        })
        .await?;
    let hash = user.as_ref().and_then(|user| user.password.clone());
    let fits = password::fits(given, hash).await?;
    let Some(user) = user else {
        return Err(if client.tells_existence() {
            error::user_not_found()
        } else {
            error::wrong_password()
        });
    };
    if !fits {
        return Err(error::wrong_password());
    }
    admit(context, client, user).await
}

fn client_and_pool(conn: &Connection, client_id: &str) -> Result<(Client, Pool), ServiceError> {
    let client = Client::get(conn, client_id)?;
    let pool = Pool::get(conn, &client.pool)?;
    Ok((client, pool))
}

/// The password fits; what comes next depends on the user's context.
async fn admit(context: &Arc<Context>, client: Client, user: User) -> Result<Value, ServiceError> {
    match user.status.as_str() {
        UNCONFIRMED => Err(ServiceError::bad_request(
            "UserNotConfirmedException",
            "User is not confirmed.",
        )),
        FORCE_CHANGE_PASSWORD => issue_challenge(context, client, user).await,
        _ => begin_session(context, client, user).await,
    }
}

async fn begin_session(
    context: &Arc<Context>,
    client: Client,
    user: User,
) -> Result<Value, ServiceError> {
    let key = token::signing_key(context, &client.pool).await?;
    let (shared, now_ms) = (Arc::clone(context), context.clock.now_ms());
    let (claims, refresh) = context
        .db
        .write(move |conn| {
            let (session, refresh) = Session::begin(conn, &client, &user, now_ms)?;
            let claims = Claims::new(conn, &shared, &client, &user, &session, now_ms)?;
            Ok::<_, ServiceError>((claims, refresh))
        })
        .await?;
    let mut result = claims.sign(&key)?;
    result["RefreshToken"] = refresh.into();
    Ok(json!({ "AuthenticationResult": result, "ChallengeParameters": {} }))
}

async fn refresh(context: &Arc<Context>, request: Initiate) -> Result<Value, ServiceError> {
    let token = request.parameter("REFRESH_TOKEN")?;
    let (shared, now_ms) = (Arc::clone(context), context.clock.now_ms());
    let (claims, pool) = context
        .db
        .read(move |conn| {
            let invalid = |why: &str| error::not_authorized(why);
            let (client, pool) = client_and_pool(conn, &request.client_id)?;
            if !client.allows(&["ALLOW_REFRESH_TOKEN_AUTH"]) {
                return Err(invalid("Auth flow not enabled for this client"));
            }
            let session = Session::with_refresh_token(conn, &token)?;
            let session = session.filter(|session| session.client == client.id);
            let session = session.ok_or_else(|| invalid("Invalid Refresh Token"))?;
            let user = User::with_sub(conn, &session.sub)?
                .ok_or_else(|| invalid("Invalid Refresh Token"))?;
            if session.revoked {
                return Err(invalid("Refresh Token has been revoked"));
            }
            if session.expires_ms <= now_ms {
                return Err(invalid("Refresh Token has expired"));
            }
            let claims = Claims::new(conn, &shared, &client, &user, &session, now_ms)?;
            Ok((claims, pool.id))
        })
        .await?;
    let key = token::signing_key(context, &pool).await?;
    Ok(json!({ "AuthenticationResult": claims.sign(&key)?, "ChallengeParameters": {} }))
}

const NEW_PASSWORD_REQUIRED: &str = "NEW_PASSWORD_REQUIRED";

/// A temporary password counts for a while, and only to choose one's own.
async fn issue_challenge(
    context: &Context,
    client: Client,
    user: User,
) -> Result<Value, ServiceError> {
    let now_ms = context.clock.now_ms();
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
    context
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
    challenge_name: String,
    session: Option<String>,
    #[serde(default)]
    challenge_responses: BTreeMap<String, String>,
}

impl Respond {
    /// Who is challenged, if the session is one that was given out and not yet used.
    fn find(&self, conn: &Connection, now_ms: i64) -> Result<(Client, Pool, User), ServiceError> {
        let (client, pool) = client_and_pool(conn, &self.client_id)?;
        let username = self.response("USERNAME")?;
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

pub(super) async fn respond_to_challenge(
    context: &Arc<Context>,
    request: Respond,
) -> Result<Value, ServiceError> {
    if request.challenge_name != NEW_PASSWORD_REQUIRED {
        return Err(error::not_served(&format!(
            "The challenge {}",
            request.challenge_name
        )));
    }
    let new = request.response("NEW_PASSWORD")?.to_owned();
    let now_ms = context.clock.now_ms();
    let (early, candidate) = (request.clone(), new.clone());
    context
        .db
        .read(move |conn| {
            let (_, pool, _) = early.find(conn, now_ms)?;
            pool.policy().check(&candidate)
        })
        .await?;
    let hash = password::hash(new).await?;
    let (client, user) = context
        .db
        .write(move |conn| {
            let (client, _, mut user) = request.find(conn, now_ms)?;
            let given = request.attributes();
            if let Some(refused) = given.iter().find(|a| !client.may_write(&a.name)) {
                return Err(error::unauthorized_attribute(&refused.name));
            }
            set_attributes(&mut user.attributes, &given)?;
            user.password = Some(hash);
            user.temporary_until_ms = None;
            CONFIRMED.clone_into(&mut user.status);
            user.save(conn, now_ms)?;
            conn.prepare_cached("DELETE FROM cognito_challenge WHERE digest = ?")?
                .execute([request.digest()])?;
            Ok::<_, ServiceError>((client, user))
        })
        .await?;
    admit(context, client, user).await
}
