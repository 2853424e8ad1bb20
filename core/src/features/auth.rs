//! Who the users are: routes in front of the identity provider, which keeps passwords and tokens.

use http::{StatusCode, header};
use serde::{Deserialize, Serialize};

use super::uploads::email_of;
use crate::{App, Error, Result};
use lambda_anywhere::fields::Fields;
use lambda_anywhere::json::{empty_response, json_body, json_response};
use lambda_anywhere::{Request, Response, require_caller};

/// A text of a request's JSON body, such as whom it is about; the provider tells names apart by their
/// letters whatever their case.
pub(super) fn text_of(request: &Request, field: &str) -> Option<String> {
    let body: serde_json::Value = json_body(request).ok()?;
    Some(body.get(field)?.as_str()?.to_lowercase())
}

/// Who wants to be a user.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Signup {
    username: String,
    /// At least eight characters, with a capital, a small letter, a digit and a sign among them.
    password: String,
    /// Where the code is mailed to, and later what becomes of videos.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "email")))]
    email: String,
}

/// A user, and whether they may log in.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct SignedUp {
    user_id: String,
    username: String,
    confirmed: bool,
}

/// `POST /auth/signup`: registers a user, who gets a code by mail. Answers 201 with the new user's id.
///
/// # Errors
/// 400 for what is missing or too weak, 409 for a name that is taken.
pub async fn sign_up(app: &App, request: Request) -> Result<Response> {
    let signup: Signup = Fields::of_body(&request)?.read()?;
    // The provider decides what an address is; what cannot be one need not be asked.
    if !signup.email.contains('@') {
        return Err(Error::bad_field("email", "email is not a mail address"));
    }
    let user_id = app
        .identity
        .sign_up(&signup.username, &signup.password, &signup.email)
        .await?;
    json_response(
        StatusCode::CREATED,
        &SignedUp {
            user_id,
            username: signup.username,
            confirmed: false,
        },
    )
}

/// That a mail has come.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Confirmation {
    username: String,
    /// The code that the mail says.
    code: String,
}

/// A user who may log in.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Confirmed {
    username: String,
    confirmed: bool,
}

/// `POST /auth/confirm`: confirms a registration with the mailed code. Answers 200 once the user may log in.
///
/// # Errors
/// 400 for a code that is wrong or too old.
pub async fn confirm_sign_up(app: &App, request: Request) -> Result<Response> {
    let confirmation: Confirmation = Fields::of_body(&request)?.read()?;
    app.identity
        .confirm(&confirmation.username, &confirmation.code)
        .await?;
    json_response(
        StatusCode::OK,
        &Confirmed {
            username: confirmation.username,
            confirmed: true,
        },
    )
}

/// Who wants to log in.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Login {
    username: String,
    password: String,
}

/// Somebody by their name.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Named {
    username: String,
}

/// `POST /auth/resend`: mails the code of a registration once more. Answers 202, whether or not there is somebody
/// of that name who needs one.
///
/// # Errors
/// 429 when that was asked for too often.
pub async fn resend_code(app: &App, request: Request) -> Result<Response> {
    let named: Named = Fields::of_body(&request)?.read()?;
    app.identity.resend_code(&named.username).await?;
    Ok(empty_response(StatusCode::ACCEPTED))
}

/// `POST /auth/forgot`: mails a code by which the password can be reset. Answers 202, whether or not there is
/// somebody of that name.
///
/// # Errors
/// 429 when that was asked for too often.
pub async fn forgot_password(app: &App, request: Request) -> Result<Response> {
    let named: Named = Fields::of_body(&request)?.read()?;
    app.identity.forgot_password(&named.username).await?;
    Ok(empty_response(StatusCode::ACCEPTED))
}

/// Who has a code for a new password.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Reset {
    username: String,
    /// The code that the mail says.
    code: String,
    /// The new one.
    password: String,
}

/// `POST /auth/reset`: sets a password with the mailed code. Answers 204; log in with it then.
///
/// # Errors
/// 400 for a code that is wrong or too old, or a password that is too weak.
pub async fn reset_password(app: &App, request: Request) -> Result<Response> {
    let reset: Reset = Fields::of_body(&request)?.read()?;
    let Reset {
        username,
        code,
        password,
    } = &reset;
    app.identity
        .reset_password(username, code, password)
        .await?;
    Ok(empty_response(StatusCode::NO_CONTENT))
}

/// Who has logged in with a temporary password.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ChosenPassword {
    username: String,
    /// What the login gave.
    session: String,
    new_password: String,
}

/// `POST /auth/password`: sets a password in the place of a temporary one. Answers 200 with tokens.
///
/// # Errors
/// 401 for a session that is over, 400 for a password that is too weak.
pub async fn choose_password(app: &App, request: Request) -> Result<Response> {
    let chosen: ChosenPassword = Fields::of_body(&request)?.read()?;
    let ChosenPassword {
        username,
        session,
        new_password,
    } = &chosen;
    let tokens = app
        .identity
        .choose_password(username, session, new_password)
        .await?;
    json_response(StatusCode::OK, &tokens)
}

/// `POST /auth/login`: tokens for a name and a password. Answers 200 with the access, id and refresh tokens, or with
/// the session in which a temporary password is to be changed.
///
/// # Errors
/// 401 for a wrong name or password, 403 for a user who has not confirmed.
pub async fn log_in(app: &App, request: Request) -> Result<Response> {
    let login: Login = Fields::of_body(&request)?.read()?;
    let outcome = app.identity.login(&login.username, &login.password).await?;
    json_response(StatusCode::OK, &outcome)
}

/// Who stays logged in.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Refresh {
    refresh_token: String,
}

/// `POST /auth/refresh`: new tokens for a refresh token. Answers 200 with new tokens.
///
/// # Errors
/// 401 for a refresh token that is wrong, too old or revoked.
pub async fn refresh_tokens(app: &App, request: Request) -> Result<Response> {
    let refresh: Refresh = Fields::of_body(&request)?.read()?;
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
        .ok_or_else(|| {
            Error::bad_request("the access token must come as Authorization: Bearer")
                .of_kind("token-missing")
        })?;
    app.identity.logout(token).await?;
    Ok(empty_response(StatusCode::NO_CONTENT))
}

/// Whose a token is.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct CurrentUser<'a> {
    user_id: &'a str,
    username: &'a str,
    /// The address that is known to be theirs.
    email: Option<String>,
    groups: &'a [String],
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
        &CurrentUser {
            user_id: &caller.user_id,
            username: &caller.username,
            email,
            groups: &caller.groups,
        },
    )
}
