//! `POST /auth/refresh`: new tokens for a refresh token.

use http::StatusCode;
use serde::Deserialize;

use crate::feature::call::{json_body, json_response};
use crate::feature::{Request, Response};
use crate::{App, Result};

#[derive(Deserialize)]
struct Refresh {
    refresh_token: String,
}

/// Answers 200 with new tokens.
///
/// # Errors
/// 401 for a refresh token that is wrong, too old or revoked.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let refresh: Refresh = json_body(&request)?;
    let tokens = app.identity.refresh(&refresh.refresh_token).await?;
    json_response(StatusCode::OK, &tokens)
}
