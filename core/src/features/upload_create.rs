//! `POST /uploads`: registers a video and gives a presigned PUT for it.
//!
//! The address is a bearer token until it expires, and a PUT has no policy document: so the
//! exact length and type are signed, its life is short, and the server makes the key.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::uploads::{check_size, clean_filename, email_of};
use super::view::rfc3339;
use crate::domain::{Job, Mode, Video, every, keys};
use crate::feature::call::{json_body, json_response};
use crate::feature::{Request, Response, caller};
use crate::{App, Error, Result};

#[derive(Deserialize)]
struct NewUpload {
    filename: String,
    #[serde(default = "octets")]
    content_type: String,
    size: u64,
    #[serde(default = "every::default_ms", deserialize_with = "every::deserialize")]
    every: u64,
    #[serde(default)]
    mode: Mode,
}

fn octets() -> String {
    "application/octet-stream".to_owned()
}

/// Answers 201 with the address and the headers that the PUT must carry.
///
/// # Errors
/// 400 for what is missing or malformed, 413 for a file that is too long.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let upload: NewUpload = json_body(&request)?;
    let caller = caller::of(&request)?;
    let filename =
        clean_filename(&upload.filename).ok_or_else(|| Error::bad_request("filename is empty"))?;
    check_content_type(&upload.content_type)?;
    check_size(app, upload.size)?;

    let now = app.clock.now();
    let video_id = app.ids.next();
    let key = keys::upload(&caller.user_id, &video_id);
    let expires_in = app.settings.upload_expiry;
    let put = app
        .objects
        .presign_put(&key, upload.size, &upload.content_type, expires_in)
        .await?;
    let job = Job {
        video_id,
        user_id: caller.user_id.clone(),
        key,
        email: email_of(app, caller).await?,
        every_ms: upload.every,
        mode: upload.mode,
        etag: None,
    };
    let video = Video {
        filename: Some(filename),
        size: Some(upload.size),
        ..Video::new(&job, now)
    };
    if !app.videos.put(&video, None).await? {
        return Err(Error::transient(format!(
            "the new id {} is taken",
            video.video_id
        )));
    }
    let headers: BTreeMap<_, _> = put.headers.into_iter().collect();
    json_response(
        StatusCode::CREATED,
        &json!({
            "video_id": video.video_id,
            "method": "PUT",
            "url": put.url,
            "headers": headers,
            "expires_at": rfc3339(now + expires_in),
        }),
    )
}

fn check_content_type(content_type: &str) -> Result<()> {
    let fine = content_type.len() <= 200
        && content_type.contains('/')
        && content_type
            .bytes()
            .all(|b| b.is_ascii_graphic() || b == b' ');
    if fine {
        Ok(())
    } else {
        Err(Error::bad_request("content_type is not a media type"))
    }
}
