//! `POST /auth/confirm`: confirms a registration with the mailed code.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::feature::call::{json_body, json_response};
use crate::feature::{Request, Response};
use crate::{App, Result};

#[derive(Deserialize)]
struct Confirmation {
    username: String,
    code: String,
}

/// Answers 200 once the user may log in.
///
/// # Errors
/// 400 for a code that is wrong or too old.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let confirmation: Confirmation = json_body(&request)?;
    app.identity
        .confirm(&confirmation.username, &confirmation.code)
        .await?;
    json_response(
        StatusCode::OK,
        &json!({ "username": confirmation.username, "confirmed": true }),
    )
}
