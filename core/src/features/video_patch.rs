//! `PATCH /videos/{user_id}/{video_id}`: an operator fails a video, or queues an ended one again.
//! Only the processor says `processing` and `done`: those need the frames.

use http::StatusCode;
use serde::Deserialize;

use super::records::{not_there, param, publish, update};
use super::uploads::requeue;
use super::view::View;
use crate::domain::{Status, Video};
use crate::feature::call::{json_body, json_response};
use crate::feature::{Request, Response, caller};
use crate::{App, Error, Result};

#[derive(Deserialize)]
struct Patch {
    status: Status,
    reason: Option<String>,
}

/// Answers 200 with the video as it now is.
///
/// # Errors
/// 404 if there is no such video, 409 for a step that its life does not have.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let patch: Patch = json_body(&request)?;
    let user_id = match param(&request, "user_id") {
        "me" => &caller::of(&request)?.user_id,
        user_id => user_id,
    };
    let video = app
        .videos
        .get(param(&request, "video_id"))
        .await?
        .filter(|video| video.user_id == user_id && !video.is_deleted())
        .ok_or_else(not_there)?;
    let video = match patch.status {
        Status::Failed => fail(app, &video, patch.reason).await?,
        Status::Queued if video.status.is_terminal() => requeue(app, &video).await?,
        status => return Err(no_step(video.status, status)),
    };
    json_response(StatusCode::OK, &View::from(&video))
}

async fn fail(app: &App, video: &Video, reason: Option<String>) -> Result<Video> {
    let reason = reason.unwrap_or_else(|| "an operator stopped it".to_owned());
    let failed = update(app, &video.video_id, |now| {
        if now.status.is_terminal() || now.is_deleted() {
            return Err(no_step(now.status, Status::Failed));
        }
        Ok(Some(now.ended(Err(reason.clone()), app.clock.now())))
    })
    .await?;
    publish(app, &failed).await?;
    Ok(failed)
}

fn no_step(from: Status, to: Status) -> Error {
    Error::conflict(format!(
        "a video that is {} cannot be made {}",
        from.word(),
        to.word()
    ))
}
