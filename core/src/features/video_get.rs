//! `GET /videos/{user_id}/{video_id}`: one video.

use http::StatusCode;

use super::records::{own_user, own_video, param};
use super::view::View;
use crate::feature::call::json_response;
use crate::feature::{Request, Response};
use crate::{App, Result};

/// Answers 200 with the video.
///
/// # Errors
/// 404 for a video that is not the caller's.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let video = own_video(app, &user_id, param(&request, "video_id")).await?;
    json_response(StatusCode::OK, &View::from(&video))
}
