//! Signing in: by password and by refresh token.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::pool::Pool;
use super::session::Session;
use super::token::Claims;
use super::user::{FORCE_CHANGE_PASSWORD, UNCONFIRMED, User};
use super::{challenge, error, keys, lockout, password};
use crate::error::ServiceError;
use crate::state::State;

/// Who asks: a user's own program, or an administrator with signed requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    User,
    Admin,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Initiate {
    client_id: String,
    user_pool_id: Option<String>,
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
    state: &Arc<State>,
    request: Initiate,
    caller: Caller,
) -> Result<Value, ServiceError> {
    let flows: &[&str] = match (request.auth_flow.as_str(), caller) {
        ("REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN", _) => return refresh(state, request).await,
        ("USER_PASSWORD_AUTH", Caller::User) => &["ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"],
        ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", Caller::Admin) => {
            &["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"]
        }
        (other, _) => return Err(error::not_served(&format!("The auth flow {other}"))),
    };
    let (username, given) = (
        request.parameter("USERNAME")?,
        request.parameter("PASSWORD")?,
    );
    let (asked, now_ms) = (request.clone(), state.clock.now_ms());
    let (client, user) = state
        .db
        .read(move |conn| {
            let (client, pool) =
                client_and_pool(conn, &asked.client_id, asked.user_pool_id.as_deref())?;
            if !client.allows(flows) {
                return Err(error::invalid_parameter(format!(
                    "{} flow not enabled for this client",
                    asked.auth_flow
                )));
            }
            let hash = asked.auth_parameters.get("SECRET_HASH").map(String::as_str);
            client.check_secret_hash(&username, hash)?;
            let user = User::find(conn, &pool, &username)?;
            if let Some(user) = &user {
                lockout::check(conn, user, now_ms)?;
            }
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
    let (tried, now_ms) = (user.clone(), state.clock.now_ms());
    state
        .db
        .write(move |conn| lockout::record(conn, &tried, fits, now_ms))
        .await?;
    if !fits {
        return Err(error::wrong_password());
    }
    admit(state, client, user).await
}

pub(super) fn client_and_pool(
    conn: &Connection,
    client_id: &str,
    pool_id: Option<&str>,
) -> Result<(Client, Pool), ServiceError> {
    let client = Client::get(conn, client_id)?;
    if pool_id.is_some_and(|pool| pool != client.pool) {
        return Err(error::not_found(format!(
            "User pool client {client_id} does not exist."
        )));
    }
    let pool = Pool::get(conn, &client.pool)?;
    Ok((client, pool))
}

/// The password fits; what comes next depends on the user's state.
pub(super) async fn admit(
    state: &Arc<State>,
    client: Client,
    user: User,
) -> Result<Value, ServiceError> {
    if !user.enabled {
        return Err(error::not_authorized("User is disabled."));
    }
    match user.status.as_str() {
        UNCONFIRMED => Err(ServiceError::bad_request(
            "UserNotConfirmedException",
            "User is not confirmed.",
        )),
        FORCE_CHANGE_PASSWORD => challenge::issue(state, client, user).await,
        _ => begin(state, client, user).await,
    }
}

async fn begin(state: &Arc<State>, client: Client, user: User) -> Result<Value, ServiceError> {
    let key = keys::signing_key(state, &client.pool).await?;
    let (shared, now_ms) = (Arc::clone(state), state.clock.now_ms());
    let (claims, refresh) = state
        .db
        .write(move |conn| {
            let (session, refresh) = Session::begin(conn, &client, &user, now_ms)?;
            let claims = Claims::of(conn, &shared, &client, &user, &session, now_ms)?;
            Ok::<_, ServiceError>((claims, refresh))
        })
        .await?;
    let mut result = claims.sign(&key)?;
    result["RefreshToken"] = refresh.into();
    Ok(json!({ "AuthenticationResult": result, "ChallengeParameters": {} }))
}

async fn refresh(state: &Arc<State>, request: Initiate) -> Result<Value, ServiceError> {
    let token = request.parameter("REFRESH_TOKEN")?;
    let (shared, now_ms) = (Arc::clone(state), state.clock.now_ms());
    let (claims, pool) = state
        .db
        .read(move |conn| {
            let invalid = |why: &str| error::not_authorized(why);
            let (client, pool) =
                client_and_pool(conn, &request.client_id, request.user_pool_id.as_deref())?;
            if !client.allows(&["ALLOW_REFRESH_TOKEN_AUTH"]) {
                return Err(invalid("Auth flow not enabled for this client"));
            }
            let session = Session::with_refresh_token(conn, &token)?;
            let session = session.filter(|session| session.client == client.id);
            let session = session.ok_or_else(|| invalid("Invalid Refresh Token"))?;
            let user = User::with_sub(conn, &session.sub)?
                .ok_or_else(|| invalid("Invalid Refresh Token"))?;
            let hash = request
                .auth_parameters
                .get("SECRET_HASH")
                .map(String::as_str);
            client.check_secret_hash(&user.username, hash)?;
            if session.revoked {
                return Err(invalid("Refresh Token has been revoked"));
            }
            if session.expires_ms <= now_ms {
                return Err(invalid("Refresh Token has expired"));
            }
            if !user.enabled {
                return Err(invalid("User is disabled."));
            }
            let claims = Claims::of(conn, &shared, &client, &user, &session, now_ms)?;
            Ok((claims, pool.id))
        })
        .await?;
    let key = keys::signing_key(state, &pool).await?;
    Ok(json!({ "AuthenticationResult": claims.sign(&key)?, "ChallengeParameters": {} }))
}
