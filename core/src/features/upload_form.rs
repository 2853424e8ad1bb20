//! `POST /upload/`: a video as a form upload. The adapter has streamed the file into the object
//! store under [`key`] and hands over its claim check; here it becomes a video and a job.

use http::StatusCode;

use super::uploads::{check_size, clean_filename, email_of, enqueue};
use super::view::View;
use crate::domain::{Job, Mode, Video, every, keys};
use crate::feature::call::{FormClaim, json_body, json_response};
use crate::feature::{Caller, Request, Response, caller};
use crate::{App, Error, Result};

/// Where the file of a caller's form goes.
#[must_use]
pub fn key(app: &App, caller: &Caller) -> String {
    keys::upload(&caller.user_id, &app.ids.next())
}

/// Answers 202 with the video.
///
/// # Errors
/// 400 for a form without a file or with a wrong `every`, 413 for a file that is too long; the
/// object is then removed again.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let form: FormClaim = json_body(&request)?;
    let caller = caller::of(&request)?;
    match take(app, &form, caller).await {
        Ok(video) => json_response(StatusCode::ACCEPTED, &View::from(&video)),
        Err(error) => {
            if matches!(error, Error::Rejected { .. }) {
                app.objects.remove(&form.key).await?;
            }
            Err(error)
        }
    }
}

async fn take(app: &App, form: &FormClaim, caller: &Caller) -> Result<Video> {
    let (user_id, video_id) = keys::parse_upload(&form.key)?;
    let every_ms = match form.fields.get("every") {
        Some(text) => every::parse(text).map_err(Error::bad_request)?,
        None => every::DEFAULT_MS,
    };
    let mode = match form.fields.get("mode") {
        Some(text) => Mode::parse(text).map_err(Error::bad_request)?,
        None => Mode::default(),
    };
    let Some(head) = app.objects.head(&form.key).await? else {
        return Err(Error::transient(format!(
            "{} is not there after its upload",
            form.key
        )));
    };
    check_size(app, head.size)?;
    let job = Job {
        video_id: video_id.to_owned(),
        user_id: user_id.to_owned(),
        key: form.key.clone(),
        email: email_of(app, caller).await?,
        every_ms,
        mode,
        etag: None,
    };
    let video = Video {
        filename: form.filename.as_deref().and_then(clean_filename),
        size: Some(head.size),
        ..Video::new(&job, app.clock.now())
    };
    if !app.videos.put(&video, None).await? {
        return Err(Error::transient(format!("the new id {video_id} is taken")));
    }
    enqueue(app, &video, &head).await
}
