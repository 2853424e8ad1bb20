//! `GET /videos/{user_id}`: a user's videos, newest first, a page at a time.

use http::StatusCode;
use serde_json::json;

use super::records::own_user;
use super::view::View;
use crate::feature::call::json_response;
use crate::feature::{Request, Response};
use crate::{App, Error, Result};

const PAGE: u32 = 50;
const MAX_PAGE: u32 = 100;

/// Answers 200 with `videos` and, if there are more, `next` to give as `after`.
///
/// # Errors
/// 404 for another user, 400 for a `limit` or an `after` that makes no sense.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let limit = match query(&request, "limit") {
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_PAGE).contains(limit))
            .ok_or_else(|| Error::bad_request("limit must be between 1 and 100"))?,
        None => PAGE,
    };
    let page = app
        .videos
        .list(&user_id, limit, query(&request, "after"))
        .await?;
    let videos: Vec<_> = page.videos.iter().map(View::from).collect();
    json_response(
        StatusCode::OK,
        &json!({ "videos": videos, "next": page.next }),
    )
}

/// A parameter of the query string. Limits are digits and tokens URL-safe: nothing to decode.
fn query<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .uri()
        .query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(n, value)| (n == name).then_some(value))
}
