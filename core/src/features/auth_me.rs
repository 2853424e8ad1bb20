//! `GET /auth/me`: whose the token is.

use http::StatusCode;
use serde_json::json;

use super::uploads::email_of;
use crate::feature::call::json_response;
use crate::feature::{Request, Response, caller};
use crate::{App, Result};

/// Answers 200 with the user's id, name, mail address and groups.
///
/// # Errors
/// 503 when the provider, asked for the address, cannot be reached.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let caller = caller::of(&request)?;
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
