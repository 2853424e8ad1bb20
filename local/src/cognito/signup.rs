//! How users come to be: by themselves, or made by an administrator.

use std::sync::Arc;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Client;
use super::code::{self, Purpose};
use super::pool::Pool;
use super::user::{
    Attribute, Attributes, CONFIRMED, FORCE_CHANGE_PASSWORD, UNCONFIRMED, User, set_attributes,
};
use super::users::Named;
use super::{error, nothing, password};
use crate::error::ServiceError;
use crate::mail::{self, Mail};
use crate::state::State;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SignUp {
    client_id: String,
    secret_hash: Option<String>,
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
}

impl SignUp {
    fn check(&self, conn: &Connection) -> Result<Pool, ServiceError> {
        let client = Client::get(conn, &self.client_id)?;
        client.check_secret_hash(&self.username, self.secret_hash.as_deref())?;
        let pool = Pool::get(conn, &client.pool)?;
        if pool.only_admins_create() {
            return Err(error::not_authorized(
                "SignUp is not permitted for this user pool",
            ));
        }
        let verified = |a: &Attribute| a.name.ends_with("_verified");
        if self.user_attributes.iter().any(verified) {
            return Err(error::not_authorized(
                "A client attempted to write unauthorized attribute",
            ));
        }
        pool.policy().check(&self.password)?;
        Ok(pool)
    }
}

pub(super) async fn sign_up(state: &Arc<State>, request: SignUp) -> Result<Value, ServiceError> {
    let early = request.clone();
    state
        .db
        .read(move |conn| early.check(conn).map(|_| ()))
        .await?;
    let hash = password::hash(request.password.clone()).await?;
    let now_ms = state.clock.now_ms();
    state
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
            user.save(conn, &pool, now_ms)?;
            let mut reply = json!({ "UserConfirmed": false, "UserSub": user.sub });
            if pool.verifies_email()
                && let Some(details) = code::send(conn, &pool, &user, Purpose::SignUp, now_ms)?
            {
                reply["CodeDeliveryDetails"] = details;
            }
            Ok(reply)
        })
        .await
}

/// A user who is not in the pool yet.
fn new_user(
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
        let message = if pool.email_is_username() {
            "An account with the given email already exists."
        } else {
            "User already exists"
        };
        return Err(ServiceError::bad_request(
            "UsernameExistsException",
            message,
        ));
    }
    let sub = Uuid::new_v4().to_string();
    let mut attributes = Attributes::new();
    let mut name = username.to_owned();
    if pool.email_is_username() {
        let email = Attribute {
            name: "email".to_owned(),
            value: username.to_owned(),
        };
        set_attributes(&mut attributes, &[email], pool)
            .map_err(|_| error::invalid_parameter("Username should be an email."))?;
        name.clone_from(&sub);
    }
    set_attributes(&mut attributes, given, pool)?;
    let (_, required) = pool.schema();
    if let Some(missing) = required.iter().find(|name| !attributes.contains_key(*name)) {
        return Err(error::invalid_parameter(format!(
            "Attributes did not conform to the schema: {missing}: The attribute is required\n"
        )));
    }
    Ok(User {
        sub,
        pool: pool.id.clone(),
        username: name,
        status: UNCONFIRMED.to_owned(),
        enabled: true,
        password: None,
        temporary_until_ms: None,
        attributes,
        created_ms: now_ms,
        modified_ms: now_ms,
    })
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AdminCreate {
    user_pool_id: String,
    username: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
    temporary_password: Option<String>,
    message_action: Option<String>,
}

/// Makes a user with a temporary password, or mails it again (`MessageAction: RESEND`) with a new one.
pub(super) async fn admin_create(
    state: &Arc<State>,
    request: AdminCreate,
) -> Result<Value, ServiceError> {
    if !matches!(
        request.message_action.as_deref(),
        None | Some("RESEND" | "SUPPRESS")
    ) {
        return Err(error::invalid_parameter(
            "MessageAction must be RESEND or SUPPRESS.",
        ));
    }
    let (pool, given) = (
        request.user_pool_id.clone(),
        request.temporary_password.clone(),
    );
    let temporary = state
        .db
        .read(move |conn| {
            let policy = Pool::get(conn, &pool)?.policy();
            let temporary = given.unwrap_or_else(|| policy.invent());
            policy.check(&temporary).map(|()| temporary)
        })
        .await?;
    let hash = password::hash(temporary.clone()).await?;
    let now_ms = state.clock.now_ms();
    state
        .db
        .write(move |conn| {
            let pool = Pool::get(conn, &request.user_pool_id)?;
            let action = request.message_action.as_deref();
            let mut user = if action == Some("RESEND") {
                let user = User::get(conn, &pool, &request.username)?;
                if user.status != FORCE_CHANGE_PASSWORD {
                    return Err(ServiceError::bad_request(
                        "UnsupportedUserStateException",
                        "Resend not possible. The user is not in the state FORCE_CHANGE_PASSWORD.",
                    ));
                }
                user
            } else {
                new_user(
                    conn,
                    &pool,
                    &request.username,
                    &request.user_attributes,
                    now_ms,
                )?
            };
            let days = pool.policy().temporary_password_validity_days;
            FORCE_CHANGE_PASSWORD.clone_into(&mut user.status);
            user.temporary_until_ms = Some(now_ms + days * 86_400_000);
            user.password = Some(hash);
            user.save(conn, &pool, now_ms)?;
            if action != Some("SUPPRESS")
                && let Some(email) = user.attribute("email")
            {
                let text = format!(
                    "Your username is {} and temporary password is {temporary}",
                    user.username
                );
                mail::put(
                    conn,
                    &Mail::new(email, "Your temporary password", text),
                    now_ms,
                )?;
            }
            Ok(json!({ "User": user.describe() }))
        })
        .await
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetPassword {
    user_pool_id: String,
    username: String,
    password: String,
    #[serde(default)]
    permanent: bool,
}

pub(super) async fn admin_set_password(
    state: &Arc<State>,
    request: SetPassword,
) -> Result<Value, ServiceError> {
    let early = request.clone();
    state
        .db
        .read(move |conn| {
            let pool = Pool::get(conn, &early.user_pool_id)?;
            User::get(conn, &pool, &early.username)?;
            pool.policy().check(&early.password)
        })
        .await?;
    let hash = password::hash(request.password).await?;
    let now_ms = state.clock.now_ms();
    state
        .db
        .write(move |conn| {
            let pool = Pool::get(conn, &request.user_pool_id)?;
            let mut user = User::get(conn, &pool, &request.username)?;
            let days = pool.policy().temporary_password_validity_days;
            let until_ms = now_ms + days * 86_400_000;
            user.temporary_until_ms = (!request.permanent).then_some(until_ms);
            let status = if request.permanent {
                CONFIRMED
            } else {
                FORCE_CHANGE_PASSWORD
            };
            status.clone_into(&mut user.status);
            user.password = Some(hash);
            user.save(conn, &pool, now_ms)?;
            Ok(nothing())
        })
        .await
}

pub(super) fn admin_confirm(
    conn: &Connection,
    _: &State,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let (pool, mut user) = request.find(conn)?;
    if user.status != UNCONFIRMED {
        return Err(error::not_authorized(format!(
            "User cannot be confirmed. Current status is {}",
            user.status
        )));
    }
    CONFIRMED.clone_into(&mut user.status);
    user.save(conn, &pool, now_ms)?;
    Ok(nothing())
}
