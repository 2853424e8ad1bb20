//! A user's videos: listed, told of, downloaded, deleted; and changed by operators.

use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::records::{
    not_there, own_user, own_video, param, publish, remove_unwanted_objects, update,
};
use super::uploads::requeue;
use crate::domain::{Mode, PictureOptions, Status, Video};
use crate::{App, Error, Result};
use lambda_anywhere::json::{empty_response, json_body, json_response};
use lambda_anywhere::{Request, Response, require_caller};

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 100;

/// `GET /videos/{user_id}`: a user's videos, newest first, a page at a time. Answers 200 with `videos` and, if there are more, `next` to give as `after`.
///
/// # Errors
/// 404 for another user, 400 for a `limit` or an `after` that makes no sense.
pub async fn list_videos(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let limit = match query_parameter(&request, "limit") {
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_PAGE).contains(limit))
            .ok_or_else(|| Error::bad_request("limit must be between 1 and 100"))?,
        None => DEFAULT_PAGE,
    };
    let page = app
        .videos
        .list(&user_id, limit, query_parameter(&request, "after"))
        .await?;
    let videos: Vec<_> = page.videos.iter().map(VideoView::from).collect();
    json_response(
        StatusCode::OK,
        &json!({ "videos": videos, "next": page.next }),
    )
}

/// A parameter of the query string. Limits are digits and tokens URL-safe: nothing to decode.
fn query_parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .uri()
        .query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(n, value)| (n == name).then_some(value))
}

/// `GET /videos/{user_id}/{video_id}`: one video. Answers 200 with it.
///
/// # Errors
/// 404 for a video that is not the caller's.
pub async fn get_video(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let video = own_video(app, &user_id, param(&request, "video_id")).await?;
    json_response(StatusCode::OK, &VideoView::from(&video))
}

/// `GET /videos/{user_id}/{video_id}/download`: to the zip. Answers 302 to a presigned GET of the zip; to a client that asks for JSON, 200 with the `url`
/// and when it ends. A page needs the latter: it cannot read where a redirect leads, and when it
/// follows one to the store, its origin has become `null`, which the store's rules do not allow.
///
/// # Errors
/// 404 for a video that is not the caller's, 409 for one that is not done.
pub async fn download_zip(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let video = own_video(app, &user_id, param(&request, "video_id")).await?;
    if video.status != Status::Done {
        let status = video.status.word();
        return Err(Error::conflict(format!(
            "there is no zip: the video is {status}"
        )));
    }
    let filename = zip_filename(video.title());
    let expires_in = app.settings.download_expiry;
    let url = app
        .objects
        .presign_get(&video.zip_key(), &filename, expires_in)
        .await?;
    if asks_for_json(&request) {
        let expires_at = rfc3339(app.clock.now() + expires_in);
        return json_response(
            StatusCode::OK,
            &json!({ "url": url, "filename": filename, "expires_at": expires_at }),
        );
    }
    let mut response = empty_response(StatusCode::FOUND);
    let url = HeaderValue::from_str(&url).map_err(|error| Error::permanent(error.to_string()))?;
    response.headers_mut().insert(header::LOCATION, url);
    Ok(response)
}

/// Whether JSON is named: `*/*`, which everything sends, still gets the redirect.
fn asks_for_json(request: &Request) -> bool {
    request
        .headers()
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/json"))
}

/// What the zip is saved as: the video's name with another ending.
pub(super) fn zip_filename(title: &str) -> String {
    let stem = match title.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 5 => stem,
        _ => title,
    };
    format!("{stem}.zip")
}

#[derive(Deserialize)]
struct Patch {
    status: Status,
    reason: Option<String>,
}

/// `PATCH /videos/{user_id}/{video_id}`: an operator fails a video, or queues an ended one again. Only
/// the processor says `processing` and `done`: those need the frames. Answers 200 with the video as
/// it now is.
///
/// # Errors
/// 404 if there is no such video, 409 for a step that its life does not have.
pub async fn patch_video(app: &App, request: Request) -> Result<Response> {
    let patch: Patch = json_body(&request)?;
    let user_id = match param(&request, "user_id") {
        "me" => &require_caller(&request)?.user_id,
        user_id => user_id,
    };
    let video = app
        .videos
        .get(param(&request, "video_id"))
        .await?
        .filter(|video| video.user_id == user_id && !video.is_deleted())
        .ok_or_else(not_there)?;
    let video = match patch.status {
        Status::Failed => fail_video(app, &video, patch.reason).await?,
        Status::Queued if video.status.is_terminal() => requeue(app, &video).await?,
        status => return Err(no_step(video.status, status)),
    };
    json_response(StatusCode::OK, &VideoView::from(&video))
}

async fn fail_video(app: &App, video: &Video, reason: Option<String>) -> Result<Video> {
    let reason = reason.unwrap_or_else(|| "an operator stopped it".to_owned());
    let failed = update(app, &video.video_id, |now| {
        if now.status.is_terminal() || now.is_deleted() {
            return Err(no_step(now.status, Status::Failed));
        }
        Ok(Some(now.failed(&reason, app.clock.now())))
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

/// `DELETE /videos/{user_id}/{video_id}`: removes a video, its upload and its zips. Answers 204; also
/// when it was deleted before.
///
/// The record stays for a while as a mark, so that a message that is still on its way does not bring
/// the video back, and an attempt that is at work finds that it has lost its lease.
///
/// # Errors
/// 404 for a video that is not the caller's.
pub async fn delete_video(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let video = update(app, param(&request, "video_id"), |video| {
        if video.user_id != user_id {
            return Err(not_there());
        }
        let mark = || video.deleted(app.settings.tombstone, app.clock.now());
        Ok((!video.is_deleted()).then(mark))
    })
    .await?;
    remove_unwanted_objects(app, &video).await?;
    Ok(empty_response(StatusCode::NO_CONTENT))
}

/// The JSON of a video.
#[derive(Debug, Serialize)]
pub(super) struct VideoView<'a> {
    video_id: &'a str,
    user_id: &'a str,
    status: Status,
    filename: Option<&'a str>,
    size: Option<u64>,
    every_ms: u64,
    mode: Mode,
    #[serde(flatten)]
    pictures: &'a PictureOptions,
    frames: u64,
    progress: u8,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

impl<'a> From<&'a Video> for VideoView<'a> {
    fn from(video: &'a Video) -> Self {
        Self {
            video_id: &video.video_id,
            user_id: &video.user_id,
            status: video.status,
            filename: video.filename.as_deref(),
            size: video.size,
            every_ms: video.every_ms,
            mode: video.mode,
            pictures: &video.pictures,
            frames: video.frames,
            progress: video.progress,
            reason: video.reason.as_deref(),
            warning: video.warning.as_deref(),
            created_at: rfc3339(video.created_at),
            updated_at: rfc3339(video.updated_at),
        }
    }
}

/// A time as it stands in answers: RFC 3339, UTC, milliseconds.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::zip_filename;

    #[test]
    fn a_zip_is_named_after_its_video() {
        assert_eq!(zip_filename("my.film.mp4"), "my.film.zip");
        assert_eq!(zip_filename("film"), "film.zip");
        assert_eq!(zip_filename(".mp4"), ".mp4.zip");
    }
}
