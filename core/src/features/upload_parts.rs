//! A long file comes in parts: each has an address of its own and may be sent again, what is there is
//! told, and so a client that was cut off goes on where it was, from another machine too.
//!
//! The object store keeps the parts, and the record its name for the upload. Nothing of them is an object
//! before all are put together, which `complete` does.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::records::{not_there, own_video, param, update};
use super::video_view::rfc3339;
use crate::domain::parts::{NamedPart, PartPlan, PartsFault, StoredPart, UploadParts};
use crate::domain::{Status, Video};
use crate::ports::PartAddress;
use crate::{App, Error, Result};
use lambda_anywhere::fields::Fields;
use lambda_anywhere::json::{empty_response, json_response};
use lambda_anywhere::{Request, Response, require_caller};

/// For how many parts addresses are given at once.
const MAX_ADDRESSES: usize = 100;
/// Length of an MD5 sum in base64, without the `==` at its end.
const MD5_CHARS: usize = 22;

/// Begins an upload in parts.
pub(super) async fn begin_parts(
    app: &App,
    key: &str,
    content_type: &str,
    size: u64,
) -> Result<UploadParts> {
    Ok(UploadParts {
        upload_id: app.part_uploads.begin(key, content_type).await?,
        part_size: PartPlan::new(size).part_size,
    })
}

/// How a long file is to be sent.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PartsTarget {
    video_id: String,
    /// Always `PARTS`.
    method: &'static str,
    /// Length of every part but the last, in bytes.
    part_size: u64,
    /// How many parts there are; they are numbered from 1 on.
    part_count: u32,
    /// Until when all must be there.
    expires_at: String,
}

impl PartsTarget {
    pub(super) fn new(app: &App, video: &Video, plan: PartPlan) -> Self {
        Self {
            video_id: video.video_id.clone(),
            method: "PARTS",
            part_size: plan.part_size,
            part_count: plan.count(),
            expires_at: ends_at(app, video),
        }
    }
}

/// When the sweep gives an upload up.
fn ends_at(app: &App, video: &Video) -> String {
    rfc3339(video.updated_at + app.settings.sweep_after.upload)
}

/// A video that is being uploaded in parts.
fn open_parts(video: &Video) -> Result<(PartPlan, &UploadParts)> {
    if video.status != Status::AwaitingUpload {
        let status = video.status.word();
        let detail = format!("the upload is over: the video is {status}");
        return Err(Error::conflict(detail).of_kind("upload-over"));
    }
    let parts = video.parts.as_ref();
    parts
        .zip(video.part_plan())
        .map(|(parts, plan)| (plan, parts))
        .ok_or_else(|| Error::conflict("this upload is not in parts").of_kind("not-in-parts"))
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedParts {
    parts: Vec<WantedPart>,
}

/// A part that is to be sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedPart {
    part: u32,
    /// The MD5 sum of its bytes in base64, if the object store is to hold them against it.
    content_md5: Option<String>,
}

/// Where to send some parts.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PartTargets {
    parts: Vec<PartTarget>,
    expires_at: String,
}

/// Where to send a part, and how.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PartTarget {
    part: u32,
    size: u64,
    /// Always `PUT`.
    method: &'static str,
    url: String,
    headers: BTreeMap<String, String>,
}

/// `POST /uploads/{video_id}/parts`: gives addresses for some parts. Answers 200 with the address of
/// each and the headers that its PUT must carry.
///
/// # Errors
/// 404 for a video that is not the caller's, 400 for parts that it does not have, 409 when it is not
/// uploaded in parts, or is uploaded already.
pub async fn sign_parts(app: &App, request: Request) -> Result<Response> {
    let wanted: WantedParts = Fields::of_body(&request)?.read()?;
    let user_id = &require_caller(&request)?.user_id;
    let video = own_video(app, user_id, param(&request, "video_id")).await?;
    let (plan, parts) = open_parts(&video)?;
    if wanted.parts.is_empty() || wanted.parts.len() > MAX_ADDRESSES {
        return Err(Error::bad_field(
            "parts",
            format!("parts must name between 1 and {MAX_ADDRESSES} parts"),
        ));
    }
    let expires_in = app.settings.upload_expiry;
    let mut targets = Vec::with_capacity(wanted.parts.len());
    for WantedPart { part, content_md5 } in wanted.parts {
        let size = plan.size_of(part).ok_or_else(|| {
            let count = plan.count();
            let detail = format!("part must be between 1 and {count}, and is {part}");
            Error::bad_field("part", detail)
        })?;
        let address = PartAddress {
            key: &video.key,
            upload_id: &parts.upload_id,
            part,
            size,
            content_md5: content_md5.as_deref().map(checked_md5).transpose()?,
        };
        let put = app.part_uploads.sign(&address, expires_in).await?;
        targets.push(PartTarget {
            part,
            size,
            method: "PUT",
            url: put.url,
            headers: put.headers.into_iter().collect(),
        });
    }
    let answer = PartTargets {
        parts: targets,
        expires_at: rfc3339(app.clock.now() + expires_in),
    };
    json_response(StatusCode::OK, &answer)
}

fn checked_md5(text: &str) -> Result<&str> {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    let sum = text.strip_suffix("==");
    if sum.is_some_and(|sum| sum.len() == MD5_CHARS && sum.bytes().all(is_base64)) {
        Ok(text)
    } else {
        Err(Error::bad_field(
            "content_md5",
            "content_md5 is not an MD5 sum in base64",
        ))
    }
}

/// Which parts are there.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PartsState {
    part_size: u64,
    part_count: u32,
    /// Those that are wholly there, in the order of their numbers.
    parts: Vec<StoredPart>,
    expires_at: String,
}

/// `GET /uploads/{video_id}/parts`: which parts are there, so that only the others are sent. Answers 200
/// with them.
///
/// # Errors
/// 404 for a video that is not the caller's, 409 when it is not uploaded in parts, or is uploaded
/// already.
pub async fn list_parts(app: &App, request: Request) -> Result<Response> {
    let user_id = &require_caller(&request)?.user_id;
    let video = own_video(app, user_id, param(&request, "video_id")).await?;
    let (plan, parts) = open_parts(&video)?;
    let stored = stored_parts(app, &video, parts).await?;
    let answer = PartsState {
        part_size: plan.part_size,
        part_count: plan.count(),
        parts: stored,
        expires_at: ends_at(app, &video),
    };
    json_response(StatusCode::OK, &answer)
}

async fn stored_parts(app: &App, video: &Video, parts: &UploadParts) -> Result<Vec<StoredPart>> {
    let stored = app.part_uploads.list(&video.key, &parts.upload_id).await?;
    stored.ok_or_else(|| {
        Error::conflict("its parts are gone; begin another upload").of_kind("upload-over")
    })
}

/// Puts the parts of a file together, if it comes in parts; `named` is what the client says of them.
/// Saying it twice changes nothing.
pub(super) async fn assemble(app: &App, video: &Video, named: &[NamedPart]) -> Result<()> {
    let Ok((plan, parts)) = open_parts(video) else {
        return Ok(());
    };
    // An earlier word may have done it, and its answer been lost.
    if app.objects.head(&video.key).await?.is_some() {
        return Ok(());
    }
    let stored = stored_parts(app, video, parts).await?;
    if let Some(fault) = plan.fault(&stored, named) {
        let (kind, detail) = match fault {
            PartsFault::Missing(detail) => ("not-uploaded", detail),
            PartsFault::OtherSize(detail) => ("other-size", detail),
            PartsFault::Changed(detail) => ("other-part", detail),
        };
        return Err(Error::conflict(detail).of_kind(kind));
    }
    let upload_id = &parts.upload_id;
    app.part_uploads
        .complete(&video.key, upload_id, &stored)
        .await
}

/// Throws the parts of an upload away that was not put together.
pub(super) async fn abort_parts(app: &App, video: &Video) -> Result<()> {
    match &video.parts {
        Some(parts) => app.part_uploads.abort(&video.key, &parts.upload_id).await,
        None => Ok(()),
    }
}

/// `DELETE /uploads/{video_id}`: abandons an upload, and the video with it. Answers 204; also when that
/// was done before.
///
/// # Errors
/// 404 for a video that is not the caller's, 409 for one whose upload is complete.
pub async fn abandon_upload(app: &App, request: Request) -> Result<Response> {
    let user_id = &require_caller(&request)?.user_id;
    let video = update(app, param(&request, "video_id"), |video| {
        if video.user_id != *user_id {
            return Err(not_there());
        }
        if video.is_deleted() {
            return Ok(None);
        }
        if video.status != Status::AwaitingUpload {
            let detail = "the upload is over; delete the video";
            return Err(Error::conflict(detail).of_kind("upload-over"));
        }
        Ok(Some(video.deleted(app.settings.tombstone, app.clock.now())))
    })
    .await?;
    abort_parts(app, &video).await?;
    app.objects.remove(&video.key).await?;
    Ok(empty_response(StatusCode::NO_CONTENT))
}
