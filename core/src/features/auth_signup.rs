//! `POST /auth/signup`: registers a user, who gets a code by mail.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::feature::call::{json_body, json_response};
use crate::feature::{Request, Response};
use crate::{App, Error, Result};

#[derive(Deserialize)]
struct Signup {
    username: String,
    password: String,
    email: String,
}

/// Answers 201 with the new user's id.
///
/// # Errors
/// 400 for what is missing or too weak, 409 for a name that is taken.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
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
