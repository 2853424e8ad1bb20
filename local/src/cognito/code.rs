//! Mailed codes: they prove that an address is the user's, at sign-up and for a new password.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::password::letters;
use super::pool::Pool;
use super::user::{CONFIRMED, FORCE_CHANGE_PASSWORD, UNCONFIRMED, User};
use super::{error, nothing, password};
use crate::context::Context;
use crate::error::ServiceError;
use crate::mail::{self, Mail};

/// What a code is for; a new code for the same purpose replaces the old one.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    SignUp,
    Password,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Password => "password",
        }
    }

    /// A day for a sign-up, an hour for a password.
    fn life_ms(self) -> i64 {
        match self {
            Self::SignUp => 24 * 3_600_000,
            Self::Password => 3_600_000,
        }
    }
}

/// Wrong guesses after which a code is worth nothing.
const MAX_FAILURES: i64 = 5;

/// Mails a new code and says where it went; nothing if the user has no address.
pub(super) fn send(
    conn: &Connection,
    user: &User,
    purpose: Purpose,
    now_ms: i64,
) -> Result<Option<Value>, ServiceError> {
    let Some(email) = user.attribute("email") else {
        return Ok(None);
    };
    let code = letters(b"0123456789", 6);
    conn.prepare_cached(
        "INSERT OR REPLACE INTO cognito_code (sub, purpose, code, expires_ms) VALUES (?, ?, ?, ?)",
    )?
    .execute(params![
        user.sub,
        purpose.name(),
        code,
        now_ms + purpose.life_ms()
    ])?;
    let text = format!("Your confirmation code is {code}");
    mail::put(
        conn,
        &Mail {
            html: Some(text.clone()),
            ..Mail::new(email, "Your verification code", text)
        },
        now_ms,
    )?;
    Ok(Some(delivery(email)))
}

/// `CodeDeliveryDetails`, with most of the address hidden.
fn delivery(email: &str) -> Value {
    let (user, host) = email.split_once('@').unwrap_or((email, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    json!({
        "Destination": format!("{}***@{}***", first(user), first(host)),
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    })
}

/// How a code fared. A wrong guess is counted, so this must be committed in any case.
enum Outcome {
    Right,
    Wrong(ServiceError),
}

fn try_code(
    conn: &Connection,
    user: &User,
    purpose: Purpose,
    given: &str,
    now_ms: i64,
) -> Result<Outcome, ServiceError> {
    let refuse = |code, message| Ok(Outcome::Wrong(ServiceError::bad_request(code, message)));
    let current: Option<(String, i64, i64)> = conn
        .prepare_cached(
            "SELECT code, expires_ms, failures FROM cognito_code WHERE sub = ? AND purpose = ?",
        )?
        .query_row([&user.sub, purpose.name()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    match current {
        Some((_, _, failures)) if failures >= MAX_FAILURES => refuse(
            "LimitExceededException",
            "Attempt limit exceeded, please try after some time.",
        ),
        Some((code, expires_ms, _)) if code == given && expires_ms > now_ms => {
            conn.prepare_cached("DELETE FROM cognito_code WHERE sub = ? AND purpose = ?")?
                .execute([&user.sub, purpose.name()])?;
            Ok(Outcome::Right)
        }
        Some((_, expires_ms, _)) if expires_ms > now_ms => {
            conn.prepare_cached(
                "UPDATE cognito_code SET failures = failures + 1 WHERE sub = ? AND purpose = ?",
            )?
            .execute([&user.sub, purpose.name()])?;
            refuse(
                "CodeMismatchException",
                "Invalid verification code provided, please try again.",
            )
        }
        _ => refuse(
            "ExpiredCodeException",
            "Invalid code provided, please request a code again.",
        ),
    }
}

/// A request of a user about a code.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    client_id: String,
    username: String,
    confirmation_code: Option<String>,
    password: Option<String>,
}

impl Request {
    fn find(&self, conn: &Connection) -> Result<(Pool, Client, Option<User>), ServiceError> {
        let client = Client::get(conn, &self.client_id)?;
        let pool = Pool::get(conn, &client.pool)?;
        let user = User::find(conn, &pool, &self.username)?;
        Ok((pool, client, user))
    }

    fn code(&self) -> &str {
        self.confirmation_code.as_deref().unwrap_or_default()
    }
}

pub(super) async fn confirm_sign_up(
    context: &Context,
    request: Request,
) -> Result<Value, ServiceError> {
    let now_ms = context.clock.now_ms();
    let outcome = context.db.write(move |conn| {
        let (pool, client, user) = request.find(conn)?;
        let Some(mut user) = user else {
            return Err(unknown_user(&client));
        };
        if user.status != UNCONFIRMED {
            return Err(error::not_authorized(format!(
                "User cannot be confirmed. Current status is {}",
                user.status
            )));
        }
        let outcome = try_code(conn, &user, Purpose::SignUp, request.code(), now_ms)?;
        if matches!(outcome, Outcome::Right) {
            CONFIRMED.clone_into(&mut user.status);
            if pool.verifies_email() {
                user.attributes
                    .insert("email_verified".to_owned(), "true".to_owned());
            }
            user.save(conn, now_ms)?;
        }
        Ok(outcome)
    });
    finish(outcome.await?)
}

fn finish(outcome: Outcome) -> Result<Value, ServiceError> {
    match outcome {
        Outcome::Right => Ok(nothing()),
        Outcome::Wrong(error) => Err(error),
    }
}

/// A client that hides who exists answers as if the code had expired.
fn unknown_user(client: &Client) -> ServiceError {
    if client.tells_existence() {
        return error::user_not_found();
    }
    ServiceError::bad_request(
        "ExpiredCodeException",
        "Invalid code provided, please request a code again.",
    )
}

pub(super) fn resend(
    conn: &Connection,
    request: &Request,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let (_, client, user) = request.find(conn)?;
    let details = match user {
        Some(user) if user.status == UNCONFIRMED => send(conn, &user, Purpose::SignUp, now_ms)?,
        Some(_) => return Err(error::invalid_parameter("User is already confirmed.")),
        None if client.tells_existence() => return Err(error::user_not_found()),
        None => Some(delivery(&request.username)),
    };
    Ok(json!({ "CodeDeliveryDetails": details }))
}

pub(super) fn forgot_password(
    conn: &Connection,
    request: &Request,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let (_, client, user) = request.find(conn)?;
    let Some(user) = user else {
        if client.tells_existence() {
            return Err(error::user_not_found());
        }
        return Ok(json!({ "CodeDeliveryDetails": delivery(&request.username) }));
    };
    if user.status == FORCE_CHANGE_PASSWORD {
        return Err(error::not_authorized(
            "User password cannot be reset in the current state.",
        ));
    }
    if user.verified_email().is_none() {
        return Err(error::invalid_parameter(
            "Cannot reset password for the user as there is no registered/verified email or \
             phone_number",
        ));
    }
    let details = send(conn, &user, Purpose::Password, now_ms)?;
    Ok(json!({ "CodeDeliveryDetails": details }))
}

pub(super) async fn confirm_forgot_password(
    context: &Context,
    request: Request,
) -> Result<Value, ServiceError> {
    let new = request.password.clone();
    let new = new.ok_or_else(|| error::invalid_parameter("Password is missing."))?;
    let (early, candidate) = (request.clone(), new.clone());
    context
        .db
        .read(move |conn| {
            let (pool, ..) = early.find(conn)?;
            pool.policy().check(&candidate)
        })
        .await?;
    let hash = password::hash(new).await?;
    let now_ms = context.clock.now_ms();
    let outcome = context.db.write(move |conn| {
        let (_, client, user) = request.find(conn)?;
        let Some(mut user) = user else {
            return Err(unknown_user(&client));
        };
        let outcome = try_code(conn, &user, Purpose::Password, request.code(), now_ms)?;
        if matches!(outcome, Outcome::Right) {
            user.password = Some(hash);
            CONFIRMED.clone_into(&mut user.status);
            user.save(conn, now_ms)?;
        }
        Ok(outcome)
    });
    finish(outcome.await?)
}
