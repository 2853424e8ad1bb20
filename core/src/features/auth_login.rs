//! `POST /auth/login`: tokens for a name and a password.

use http::StatusCode;
use serde::Deserialize;

use crate::feature::call::{json_body, json_response};
use crate::feature::{Request, Response};
use crate::{App, Result};

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

/// Answers 200 with the access, id and refresh tokens.
///
/// # Errors
/// 401 for a wrong name or password, 403 for a user who has not confirmed.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let login: Login = json_body(&request)?;
    let tokens = app.identity.login(&login.username, &login.password).await?;
    json_response(StatusCode::OK, &tokens)
}
