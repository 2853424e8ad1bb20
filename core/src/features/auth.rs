//! Who the users are: routes in front of the identity provider, which keeps passwords and tokens.

use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::uploads::email_of;
use crate::{App, Error, Result};
use lambda_anywhere::json::{empty_response, json_body, json_response};
use lambda_anywhere::{Request, Response, require_caller};

/// A text of a request's JSON body, such as whom it is about; the provider tells names apart by their
/// letters whatever their case.
pub(super) fn text_of(request: &Request, field: &str) -> Option<String> {
    let body: serde_json::Value = json_body(request).ok()?;
    Some(body.get(field)?.as_str()?.to_lowercase())
}

#[derive(Deserialize)]
struct Signup {
    username: String,
    password: String,
    email: String,
}

/// `POST /auth/signup`: registers a user, who gets a code by mail. Answers 201 with the new user's id.
///
/// # Errors
/// 400 for what is missing or too weak, 409 for a name that is taken.
pub async fn sign_up(app: &App, request: Request) -> Result<Response> {
    let signup: Signup = json_body(&request)?;
    // The provider decides what an address is; what cannot be one need not be asked.
    if !signup.email.contains('@') {
        return Err(Error::bad_request("email is not a mail address"));
    }
    let user_id = app
        .identity
        .sign_up(&signup.username, &signup.password, &signup.email)
        .await?;
    json_response(
        StatusCode::CREATED,
        &json!({ "user_id": user_id, "username": signup.username, "confirmed": false }),
    )
}

#[derive(Deserialize)]
struct Confirmation {
    username: String,
    code: String,
}

/// `POST /auth/confirm`: confirms a registration with the mailed code. Answers 200 once the user may log in.
///
/// # Errors
/// 400 for a code that is wrong or too old.
pub async fn confirm_sign_up(app: &App, request: Request) -> Result<Response> {
    let confirmation: Confirmation = json_body(&request)?;
    app.identity
        .confirm(&confirmation.username, &confirmation.code)
        .await?;
    json_response(
        StatusCode::OK,
        &json!({ "username": confirmation.username, "confirmed": true }),
    )
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

/// `POST /auth/login`: tokens for a name and a password. Answers 200 with the access, id and refresh tokens.
///
/// # Errors
/// 401 for a wrong name or password, 403 for a user who has not confirmed.
pub async fn log_in(app: &App, request: Request) -> Result<Response> {
    let login: Login = json_body(&request)?;
    let tokens = app.identity.login(&login.username, &login.password).await?;
    json_response(StatusCode::OK, &tokens)
}

#[derive(Deserialize)]
struct Refresh {
    refresh_token: String,
}

/// `POST /auth/refresh`: new tokens for a refresh token. Answers 200 with new tokens.
///
/// # Errors
/// 401 for a refresh token that is wrong, too old or revoked.
pub async fn refresh_tokens(app: &App, request: Request) -> Result<Response> {
    let refresh: Refresh = json_body(&request)?;
    let tokens = app.identity.refresh(&refresh.refresh_token).await?;
    json_response(StatusCode::OK, &tokens)
}

/// `POST /auth/logout`: ends the sessions of the token's user. Answers 204. Refresh tokens are revoked at once; an access token that was given out before
/// stays valid until it expires, because it is verified offline.
///
/// # Errors
/// 401 when the provider does not take the token: only an access token ends sessions.
pub async fn log_out(app: &App, request: Request) -> Result<Response> {
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| Error::bad_request("the access token must come as Authorization: Bearer"))?;
    app.identity.logout(token).await?;
    Ok(empty_response(StatusCode::NO_CONTENT))
}

/// `GET /auth/me`: whose the token is. Answers 200 with the user's id, name, mail address and groups.
///
/// # Errors
/// 503 when the provider, asked for the address, cannot be reached.
pub async fn current_user(app: &App, request: Request) -> Result<Response> {
    let caller = require_caller(&request)?;
    let email = email_of(app, caller).await?;
    json_response(
        StatusCode::OK,
        &json!({
            "user_id": caller.user_id,
            "username": caller.username,
            "email": email,
            "groups": caller.groups,
        }),
    )
}
