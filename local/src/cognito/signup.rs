//! Signing up: how users come to be by themselves.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Client;
use super::code::{self, Purpose};
use super::pool::Pool;
use super::user::{Attribute, Attributes, UNCONFIRMED, User, set_attributes};
use super::{error, password};
use crate::context::Context;
use crate::error::ServiceError;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SignUp {
    client_id: String,
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
}

impl SignUp {
    fn check(&self, conn: &Connection) -> Result<Pool, ServiceError> {
        let client = Client::get(conn, &self.client_id)?;
        let pool = Pool::get(conn, &client.pool)?;
        if let Some(refused) = self
            .user_attributes
            .iter()
            .find(|a| !client.may_write(&a.name))
        {
            return Err(error::unauthorized_attribute(&refused.name));
        }
        pool.policy().check(&self.password)?;
        Ok(pool)
    }
}

pub(super) async fn sign_up(context: &Context, request: SignUp) -> Result<Value, ServiceError> {
    let early = request.clone();
    context
        .db
        .read(move |conn| early.check(conn).map(|_| ()))
        .await?;
    let hash = password::hash(request.password.clone()).await?;
    let now_ms = context.clock.now_ms();
    context
        .db
        .write(move |conn| {
            let pool = request.check(conn)?;
            let mut user = new_user(
                conn,
                &pool,
                &request.username,
                &request.user_attributes,
                now_ms,
            )?;
            user.password = Some(hash);
            user.save(conn, now_ms)?;
            let mut reply = json!({ "UserConfirmed": false, "UserSub": user.sub });
            if pool.verifies_email()
                && let Some(details) = code::send(conn, &user, Purpose::SignUp, now_ms)?
            {
                reply["CodeDeliveryDetails"] = details;
            }
            Ok(reply)
        })
        .await
}

/// A user who is not in the pool yet.
pub(super) fn new_user(
    conn: &Connection,
    pool: &Pool,
    username: &str,
    given: &[Attribute],
    now_ms: i64,
) -> Result<User, ServiceError> {
    let letters = username
        .chars()
        .all(|c| !c.is_whitespace() && !c.is_control());
    if !(1..=128).contains(&username.chars().count()) || !letters {
        return Err(error::invalid_parameter(
            "Value at 'username' failed to satisfy constraint: 1 to 128 characters without spaces.",
        ));
    }
    if User::find(conn, pool, username)?.is_some() {
        let message = "User already exists";
        return Err(ServiceError::bad_request(
            "UsernameExistsException",
            message,
        ));
    }
    let mut attributes = Attributes::new();
    set_attributes(&mut attributes, given)?;
    Ok(User {
        sub: Uuid::new_v4().to_string(),
        pool: pool.id.clone(),
        username: username.to_owned(),
        status: UNCONFIRMED.to_owned(),
        password: None,
        temporary_until_ms: None,
        attributes,
        created_ms: now_ms,
        modified_ms: now_ms,
    })
}
