//! The calls of administrators about users and groups.

use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::pool::Pool;
use super::signup::new_user;
use super::user::{Attribute, CONFIRMED, FORCE_CHANGE_PASSWORD, User};
use super::{date, error, nothing, password};
use crate::context::Context;
use crate::error::ServiceError;
use crate::mail::{self, Mail};

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateUser {
    user_pool_id: String,
    username: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
    temporary_password: Option<String>,
    message_action: Option<String>,
}

/// Makes a user with a temporary password, or mails it again (`MessageAction: RESEND`) with a new one.
pub(super) async fn create_user(
    context: &Context,
    request: CreateUser,
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
    let temporary = context
        .db
        .read(move |conn| {
            let policy = Pool::get(conn, &pool)?.policy();
            let temporary = given.unwrap_or_else(|| policy.invent());
            policy.check(&temporary).map(|()| temporary)
        })
        .await?;
    let hash = password::hash(temporary.clone()).await?;
    let now_ms = context.clock.now_ms();
    context
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
            user.save(conn, now_ms)?;
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

pub(super) async fn set_password(
    context: &Context,
    request: SetPassword,
) -> Result<Value, ServiceError> {
    let early = request.clone();
    context
        .db
        .read(move |conn| {
            let pool = Pool::get(conn, &early.user_pool_id)?;
            User::get(conn, &pool, &early.username)?;
            pool.policy().check(&early.password)
        })
        .await?;
    let hash = password::hash(request.password).await?;
    let now_ms = context.clock.now_ms();
    context
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
            user.save(conn, now_ms)?;
            Ok(nothing())
        })
        .await
}

/// A request about one user.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    user_pool_id: String,
    username: String,
}

pub(super) fn get_user(conn: &Connection, request: &Named, _: i64) -> Result<Value, ServiceError> {
    let pool = Pool::get(conn, &request.user_pool_id)?;
    let user = User::get(conn, &pool, &request.username)?;
    let mut reply = user.describe();
    if let Some(reply) = reply.as_object_mut() {
        reply.remove("Attributes");
    }
    reply["UserAttributes"] = user.attribute_list();
    Ok(reply)
}

/// Groups of users; their names travel in the tokens.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    user_pool_id: String,
    #[serde(rename = "GroupName")]
    name: String,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(super) fn create_group(
    conn: &Connection,
    request: &Group,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let (pool, name) = (&request.user_pool_id, &request.name);
    Pool::get(conn, pool)?;
    // AWS's pattern: letters, marks, symbols, numbers, punctuation.
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if name.is_empty() || name.chars().count() > 128 || name.contains(odd) {
        return Err(error::invalid_parameter(format!(
            "{name:?} is no name for a group."
        )));
    }
    let made = conn
        .prepare_cached(
            "INSERT INTO cognito_group (pool, name, settings, created_ms) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            pool,
            name,
            serde_json::to_string(&request.settings)?,
            now_ms
        ])?;
    if made == 0 {
        let message = "A group with the name already exists.";
        return Err(ServiceError::bad_request("GroupExistsException", message));
    }
    let mut group = request.settings.clone();
    for (member, value) in [
        ("UserPoolId", json!(pool)),
        ("GroupName", json!(name)),
        ("CreationDate", date(now_ms)),
        ("LastModifiedDate", date(now_ms)),
    ] {
        group.insert(member.to_owned(), value);
    }
    Ok(json!({ "Group": group }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Membership {
    user_pool_id: String,
    username: String,
    group_name: String,
}

pub(super) fn add_user_to_group(
    conn: &Connection,
    request: &Membership,
    _: i64,
) -> Result<Value, ServiceError> {
    let pool = Pool::get(conn, &request.user_pool_id)?;
    let known = conn
        .prepare_cached("SELECT 1 FROM cognito_group WHERE pool = ? AND name = ?")?
        .exists([&pool.id, &request.group_name])?;
    if !known {
        return Err(error::not_found("Group not found."));
    }
    let user = User::get(conn, &pool, &request.username)?;
    conn.prepare_cached(
        "INSERT INTO cognito_member (pool, name, sub) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    )?
    .execute([&pool.id, &request.group_name, &user.sub])?;
    Ok(nothing())
}
