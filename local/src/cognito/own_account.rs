//! What a user does with an access token: reads and changes the own account, and ends all sessions.

use std::sync::Arc;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::pool::Pool;
use super::user::{Attribute, User, set_attributes};
use super::{error, nothing, password, token};
use crate::context::Context;
use crate::error::ServiceError;

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
