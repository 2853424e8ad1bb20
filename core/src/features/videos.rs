//! A user's videos: listed, told of, downloaded, renamed, done again, deleted; and changed by operators.

use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::OPERATORS;
use super::records::{
    not_there, own_user, own_video, param, publish, remove_unwanted_objects, update,
};
use super::uploads::{check_retries, requeue, required_filename};
use super::video_view::{VideoView, rfc3339};
use crate::domain::{GivenOptions, Status, Video};
use crate::ports::VideoFilter;
use crate::{App, Error, Result};
use lambda_anywhere::fields::Fields;
use lambda_anywhere::json::{empty_response, json_response};
use lambda_anywhere::{Access, Request, Response, require_caller};

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 100;

/// The longest part of a name that is looked for, in characters; the query's schema has it too.
const MAX_SOUGHT: usize = 200;

/// Which videos are listed.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ListQuery {
    /// How many at most; 50 unless told.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Only those with one of these statuses, with commas between.
    status: Option<Vec<Status>>,
    /// Only those with this in their names, whatever the case.
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    q: Option<String>,
}

/// A page of videos, newest first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct VideoList<'a> {
    videos: Vec<VideoView<'a>>,
    /// What to give as `after` for the next page; null on the last. A page may hold fewer videos than
    /// were asked for, and there may be another all the same.
    next: Option<String>,
}

/// `GET /videos/{user_id}`: a user's videos, newest first, a page at a time. Answers 200 with `videos` and, if there are more, `next` to give as `after`.
///
/// # Errors
/// 404 for another user, 400 for a `limit` or an `after` that makes no sense.
pub async fn list_videos(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let query: ListQuery = Fields::of_query(&request)?.read()?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Error::bad_field("limit", "limit must be between 1 and 100"));
    }
    let name = query.q.unwrap_or_default();
    if name.chars().count() > MAX_SOUGHT {
        return Err(Error::bad_field(
            "q",
            format!("q has at most {MAX_SOUGHT} characters"),
        ));
    }
    let filter = VideoFilter {
        statuses: query.status.unwrap_or_default(),
        name: (!name.is_empty()).then(|| name.to_lowercase()),
    };
    let after = query.after.as_deref();
    let page = app.videos.list(&user_id, limit, after, &filter).await?;
    let list = VideoList {
        videos: page.videos.iter().map(VideoView::from).collect(),
        next: page.next,
    };
    json_response(StatusCode::OK, &list)
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

/// How the zip's address is told.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DownloadQuery {
    /// By a redirect, or as JSON. Unless told, as JSON to who names it in `Accept`.
    #[serde(rename = "as")]
    format: Option<DownloadFormat>,
}

#[derive(Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum DownloadFormat {
    Json,
    Redirect,
}

/// Where the zip can be had without a token, for a while.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DownloadLink {
    url: String,
    /// What the zip is saved as.
    filename: String,
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    expires_at: String,
}

/// `GET /videos/{user_id}/{video_id}/download`: to the zip. Answers 302 to a presigned GET of the zip; to a client that asks for JSON, 200 with the `url`
/// and when it ends. A page needs the latter: it cannot read where a redirect leads, and when it
/// follows one to the store, its origin has become `null`, which the store's rules do not allow.
///
/// # Errors
/// 404 for a video that is not the caller's, 409 for one that is not done.
pub async fn download_zip(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let query: DownloadQuery = Fields::of_query(&request)?.read()?;
    let video = own_video(app, &user_id, param(&request, "video_id")).await?;
    if video.status != Status::Done {
        let status = video.status.word();
        let detail = format!("there is no zip: the video is {status}");
        return Err(Error::conflict(detail).of_kind("not-done"));
    }
    let filename = zip_filename(video.title());
    let expires_in = app.settings.download_expiry;
    let url = app
        .objects
        .presign_get(&video.zip_key(), &filename, expires_in)
        .await?;
    let as_json = match query.format {
        Some(DownloadFormat::Json) => true,
        Some(DownloadFormat::Redirect) => false,
        None => asks_for_json(&request),
    };
    if as_json {
        let link = DownloadLink {
            url,
            filename,
            expires_at: rfc3339(app.clock.now() + expires_in),
        };
        return json_response(StatusCode::OK, &link);
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

/// What is to change: its owner changes the name, an operator the status.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Patch {
    /// What the owner will call it.
    filename: Option<String>,
    /// By an operator: `failed` ends it, `queued` has it done once more.
    status: Option<Status>,
    /// Why, for the user; only beside `status`.
    reason: Option<String>,
}

/// `PATCH /videos/{user_id}/{video_id}`: its owner renames a video; an operator fails one, or queues an ended
/// one again. Only the processor says `processing` and `done`: those need the frames. Answers 200 with the
/// video as it now is.
///
/// # Errors
/// 404 if there is no such video, 403 for a status from somebody else than an operator, 409 for a step that its
/// life does not have.
pub async fn patch_video(app: &App, request: Request) -> Result<Response> {
    let patch: Patch = Fields::of_body(&request)?.read()?;
    let video = match (patch.filename, patch.status, patch.reason) {
        (Some(filename), None, None) => rename_video(app, &request, &filename).await?,
        (None, Some(status), reason) => change_status(app, &request, status, reason).await?,
        _ => {
            return Err(Error::bad_request(
                "say either filename, or status with or without reason",
            ));
        }
    };
    json_response(StatusCode::OK, &VideoView::from(&video))
}

async fn rename_video(app: &App, request: &Request, filename: &str) -> Result<Video> {
    let user_id = own_user(request)?;
    let filename = required_filename(filename)?;
    update(app, param(request, "video_id"), |video| {
        if video.user_id != user_id || video.is_deleted() {
            return Err(not_there());
        }
        Ok(video.renamed(&filename, app.clock.now()))
    })
    .await
}

async fn change_status(
    app: &App,
    request: &Request,
    status: Status,
    reason: Option<String>,
) -> Result<Video> {
    let caller = require_caller(request)?;
    Access::Group(OPERATORS).check(Some(caller))?;
    let user_id = match param(request, "user_id") {
        "me" => &caller.user_id,
        user_id => user_id,
    };
    let video = own_video(app, user_id, param(request, "video_id")).await?;
    match status {
        Status::Failed => fail_video(app, &video, reason).await,
        Status::Queued if video.status.is_terminal() => requeue(app, &video, None).await,
        status => Err(no_step(video.status, status)),
    }
}

/// `POST /videos/{user_id}/{video_id}/retry`: has a video that has ended done once more; options that the body
/// does not say stay as they were. Answers 202 with the video as it now is.
///
/// # Errors
/// 404 for a video that is not the caller's, 409 for one that has not ended, or was retried too often.
pub async fn retry_video(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let given: GivenOptions = Fields::of_optional_body(&request)?.read()?;
    let video = own_video(app, &user_id, param(&request, "video_id")).await?;
    let options = video.options.clone().with(given).map_err(|wrong| {
        // The sentence begins with the option that it is about.
        let option = wrong.split(' ').next().unwrap_or_default().to_owned();
        Error::bad_field(option, wrong)
    })?;
    if !video.status.is_terminal() {
        let status = video.status.word();
        let detail = format!("only a video that has ended can be retried; this one is {status}");
        return Err(Error::conflict(detail).of_kind("not-ended"));
    }
    check_retries(&video)?;
    let video = requeue(app, &video, Some(options)).await?;
    json_response(StatusCode::ACCEPTED, &VideoView::from(&video))
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
    .of_kind("no-such-step")
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
