//! `POST /notify`: publishes a notice by hand.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::domain::{Notice, Status};
use crate::feature::call::{json_body, json_response};
use crate::feature::{Request, Response};
use crate::{App, Error, Result};

#[derive(Deserialize)]
struct Notify {
    email: String,
    status: Status,
    video_id: String,
    reason: Option<String>,
}

/// Answers 202 with the id of the published message.
///
/// # Errors
/// 400 for an address that is none or a status that the design does not know.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let notify: Notify = json_body(&request)?;
    if !notify.email.contains('@') || notify.email.chars().any(char::is_whitespace) {
        return Err(Error::bad_request("email is not a mail address"));
    }
    let video = app
        .videos
        .get(&notify.video_id)
        .await?
        .filter(|video| !video.is_deleted());
    let notice = Notice {
        notice_id: app.ids.next(),
        video_id: notify.video_id,
        user_id: video.as_ref().map(|video| video.user_id.clone()),
        email: Some(notify.email),
        status: notify.status,
        filename: video.as_ref().and_then(|video| video.filename.clone()),
        frames: video
            .filter(|video| video.status == Status::Done)
            .map(|video| video.frames),
        reason: notify.reason,
    };
    let message_id = app.topic.publish(&notice).await?;
    json_response(StatusCode::ACCEPTED, &json!({ "message_id": message_id }))
}
