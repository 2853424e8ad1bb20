//! `POST /auth/logout`: ends the sessions of the token's user.

use http::{StatusCode, header};

use crate::feature::call::empty_response;
use crate::feature::{Request, Response};
use crate::{App, Error, Result};

/// Answers 204. Refresh tokens are revoked at once; an access token that was given out before
/// stays valid until it expires, because it is verified offline.
///
/// # Errors
/// 401 when the provider does not take the token: only an access token ends sessions.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
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
