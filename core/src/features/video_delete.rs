//! `DELETE /videos/{user_id}/{video_id}`: removes a video, its upload and its zip.
//!
//! The record stays for a while as a mark, so that a message that is still on its way does not
//! bring the video back, and an attempt that is at work finds that it has lost its hold.

use http::StatusCode;

use super::records::{not_there, own_user, param, update};
use crate::feature::call::empty_response;
use crate::feature::{Request, Response};
use crate::{App, Result};

/// Answers 204; also when it was deleted before.
///
/// # Errors
/// 404 for a video that is not the caller's.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let video = update(app, param(&request, "video_id"), |video| {
        if video.user_id != user_id {
            return Err(not_there());
        }
        let mark = || video.deleted(app.settings.tombstone, app.clock.now());
        Ok((!video.is_deleted()).then(mark))
    })
    .await?;
    app.objects.remove(&video.key).await?;
    app.objects.remove(&video.zip_key()).await?;
    Ok(empty_response(StatusCode::NO_CONTENT))
}
