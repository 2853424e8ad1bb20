//! `POST /uploads/{video_id}/complete`: the file is there; check it and queue the job.

use http::StatusCode;
use serde::Deserialize;

use super::records::{own_video, param};
use super::uploads::{check_size, enqueue, is_as_announced, requeue};
use super::view::View;
use crate::domain::{Status, Video};
use crate::feature::call::{json_body, json_response};
use crate::feature::{Request, Response, caller};
use crate::{App, Error, Result};

#[derive(Default, Deserialize)]
struct Complete {
    /// Queue a video that is done or failed once more.
    #[serde(default)]
    retry: bool,
}

/// Answers 202 with the video as it now is. Saying it twice changes nothing.
///
/// # Errors
/// 404 for a video that is not the caller's, 409 when the file is not there or not as announced.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let user_id = &caller::of(&request)?.user_id;
    let complete: Complete = if request.body().is_empty() {
        Complete::default()
    } else {
        json_body(&request)?
    };
    let video = own_video(app, user_id, param(&request, "video_id")).await?;
    let video = match video.status {
        Status::AwaitingUpload => uploaded(app, &video).await?,
        Status::Queued => requeue(app, &video).await?,
        Status::Done | Status::Failed if complete.retry => requeue(app, &video).await?,
        Status::Processing | Status::Done | Status::Failed => video,
    };
    json_response(StatusCode::ACCEPTED, &View::from(&video))
}

async fn uploaded(app: &App, video: &Video) -> Result<Video> {
    let Some(head) = app.objects.head(&video.key).await? else {
        return Err(Error::conflict("the file has not been uploaded yet"));
    };
    check_size(app, head.size)?;
    if !is_as_announced(video, &head) {
        return Err(Error::conflict(format!(
            "the file has {} bytes, but {} were announced",
            head.size,
            video.size.unwrap_or_default()
        )));
    }
    enqueue(app, video, &head).await
}
