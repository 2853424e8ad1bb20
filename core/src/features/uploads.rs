//! How a video comes in: by a presigned PUT and a word that it is there, in parts (see
//! [`upload_parts`](super::upload_parts)), by a form, or by S3's own event should nobody say the word.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lambda_events::s3::{S3Event, S3EventRecord};
use chrono::Duration;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::records::{own_video, param, publish, update};
use super::upload_parts::{PartsTarget, assemble, begin_parts};
use super::video_view::{VideoView, rfc3339, video_path, with_location};
use crate::domain::foreign_text::is_invisible;
use crate::domain::parts::{NamedPart, PartPlan, UploadParts};
use crate::domain::{ExtractionOptions, Job, Status, Unfinished, Video, keys};
use crate::ports::{ObjectHead, SignedPut};
use crate::{App, Error, Result};
use lambda_anywhere::fields::Fields;
use lambda_anywhere::json::{FormClaim, json_body, json_response};
use lambda_anywhere::{Caller, Request, Response, require_caller, s3_key};

/// What is to be uploaded; beside it the body says the options of the extraction.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct NewUpload {
    /// The file's name; only its last segment is kept.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    filename: String,
    /// The file's media type, with which it must be put.
    #[serde(default = "octets")]
    content_type: String,
    /// The file's exact length in bytes.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    size: u64,
}

/// Where and how to put the file: whole, or, if it is long, in parts.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum UploadTarget {
    Put(PutTarget),
    Parts(PartsTarget),
}

/// Where and how to put the file.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PutTarget {
    video_id: String,
    /// Always `PUT`.
    method: &'static str,
    /// The presigned address. Whoever has it may put the file, until it expires.
    url: String,
    /// The headers that the request must carry exactly so.
    headers: BTreeMap<String, String>,
    expires_at: String,
}

fn octets() -> String {
    "application/octet-stream".to_owned()
}

/// `POST /uploads`: registers a video and gives a presigned PUT for it. Answers 201 with the address
/// and the headers that the PUT must carry; for a long file, with how it is to be divided.
///
/// The address is a bearer token until it expires, and a PUT has no policy document: so the exact
/// length and type are signed, its life is short, and the server makes the key.
///
/// # Errors
/// 400 for what is missing or malformed, 413 for a file that is too long.
pub async fn create_upload(app: &App, request: Request) -> Result<Response> {
    let mut body = Fields::of_body(&request)?;
    let options: ExtractionOptions = body.take()?;
    let upload: NewUpload = body.read()?;
    let caller = require_caller(&request)?;
    let filename = required_filename(&upload.filename)?;
    let content_type = known_content_type(upload.content_type)?;
    check_size(app, upload.size)?;

    let now = app.clock.now();
    let video_id = app.ids.next();
    let key = keys::upload(&caller.user_id, &video_id);
    let target = sign_upload(app, &key, upload.size, &content_type).await?;
    let job = Job {
        video_id,
        user_id: caller.user_id.clone(),
        key,
        email: email_of(app, caller).await?,
        options,
        etag: None,
        round: 0,
        registered: true,
        postponements: 0,
        released_attempts: Vec::new(),
        waits_for: None,
    };
    let video = Video {
        filename: Some(filename),
        size: Some(upload.size),
        parts: target.parts(),
        ..Video::new(&job, now)
    };
    if !app.videos.put(&video, None).await? {
        return Err(Error::transient(format!(
            "the new id {} is taken",
            video.video_id
        )));
    }
    let location = video_path(&video);
    let target = match target {
        Target::Put(put) => UploadTarget::Put(PutTarget {
            video_id: video.video_id,
            method: "PUT",
            url: put.url,
            headers: put.headers.into_iter().collect(),
            expires_at: rfc3339(now + app.settings.upload_expiry),
        }),
        Target::Parts(..) => {
            let plan = PartPlan::new(upload.size);
            UploadTarget::Parts(PartsTarget::new(app, &video, plan))
        }
    };
    with_location(json_response(StatusCode::CREATED, &target)?, &location)
}

/// How a file is to be sent.
enum Target {
    Put(SignedPut),
    Parts(UploadParts),
}

impl Target {
    fn parts(&self) -> Option<UploadParts> {
        match self {
            Self::Put(_) => None,
            Self::Parts(parts) => Some(parts.clone()),
        }
    }
}

/// One PUT for a short file, parts for a long one.
async fn sign_upload(app: &App, key: &str, size: u64, content_type: &str) -> Result<Target> {
    if size > app.settings.upload_parts_above {
        let parts = begin_parts(app, key, content_type, size).await?;
        return Ok(Target::Parts(parts));
    }
    let expires_in = app.settings.upload_expiry;
    let put = app
        .objects
        .presign_put(key, size, content_type, expires_in)
        .await?;
    Ok(Target::Put(put))
}

/// The media type that a client gives; browsers give an empty one where they do not know it.
fn known_content_type(content_type: String) -> Result<String> {
    if content_type.is_empty() {
        return Ok(octets());
    }
    let fine = content_type.len() <= 200
        && content_type.contains('/')
        && content_type
            .bytes()
            .all(|b| b.is_ascii_graphic() || b == b' ');
    if fine {
        Ok(content_type)
    } else {
        Err(Error::bad_field(
            "content_type",
            "content_type is not a media type",
        ))
    }
}

/// What is to become of a video whose file is there.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub(crate) struct Complete {
    /// Queue a video that is done or failed once more.
    retry: bool,
    /// The parts as they were answered, for a file that comes in parts: each must be the one that is
    /// there.
    parts: Vec<NamedPart>,
}

/// `POST /uploads/{video_id}/complete`: the file is there; checks it and queues the job. Answers 202
/// with the video as it now is. Saying it twice changes nothing.
///
/// # Errors
/// 404 for a video that is not the caller's, 409 when the file is not there or not as announced,
/// or has been retried too often.
pub async fn complete_upload(app: &App, request: Request) -> Result<Response> {
    let user_id = &require_caller(&request)?.user_id;
    let complete: Complete = Fields::of_optional_body(&request)?.read()?;
    let video = own_video(app, user_id, param(&request, "video_id")).await?;
    let video = match video.status {
        Status::AwaitingUpload => {
            assemble(app, &video, &complete.parts).await?;
            check_and_enqueue(app, &video).await?
        }
        Status::Queued => resend_job(app, &video).await?,
        Status::Done | Status::Failed if complete.retry => {
            check_retries(&video)?;
            requeue(app, &video, None).await?
        }
        Status::Processing | Status::Done | Status::Failed => video,
    };
    json_response(StatusCode::ACCEPTED, &VideoView::from(&video))
}

async fn check_and_enqueue(app: &App, video: &Video) -> Result<Video> {
    let Some(head) = app.objects.head(&video.key).await? else {
        return Err(Error::conflict("the file has not been uploaded yet").of_kind("not-uploaded"));
    };
    check_size(app, head.size)?;
    if !is_as_announced(video, &head) {
        return Err(Error::conflict(format!(
            "the file has {} bytes, but {} were announced",
            head.size,
            video.size.unwrap_or_default()
        ))
        .of_kind("other-size"));
    }
    enqueue(app, video, &head).await
}

/// Where an adapter puts the file of a caller's form before it calls [`form_upload`].
#[must_use]
pub fn form_object_key(app: &App, caller: &Caller) -> String {
    keys::upload(&caller.user_id, &app.ids.next())
}

/// `POST /upload/`: a video as a form upload. The adapter has streamed the file into the object store
/// under [`form_object_key`] and hands over its claim check. Answers 202 with the video.
///
/// # Errors
/// 400 for a form without a file or with a wrong `every`, 413 for a file that is too long; the
/// object is then removed again.
pub async fn form_upload(app: &App, request: Request) -> Result<Response> {
    let form: FormClaim = json_body(&request)?;
    let caller = require_caller(&request)?;
    match register_form(app, &form, caller).await {
        Ok(video) => {
            let answer = json_response(StatusCode::ACCEPTED, &VideoView::from(&video))?;
            with_location(answer, &video_path(&video))
        }
        Err(error) => {
            if matches!(error, Error::Rejected { .. }) {
                app.objects.remove(&form.key).await?;
            }
            Err(error)
        }
    }
}

async fn register_form(app: &App, form: &FormClaim, caller: &Caller) -> Result<Video> {
    let (user_id, video_id) = keys::parse_upload(&form.key)?;
    let options: ExtractionOptions = Fields::of_form(&form.fields).read()?;
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
        options,
        etag: None,
        round: 0,
        registered: true,
        postponements: 0,
        released_attempts: Vec::new(),
        waits_for: None,
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

/// An S3 event: queues the job of each registered video whose file is now there, should the client
/// have gone away before saying so. Files of videos that nobody registered, and those in another
/// bucket, are left alone.
///
/// # Errors
/// When a port fails; the event should come again.
pub async fn upload_arrived(app: &App, event: S3Event) -> Result<()> {
    for record in &event.records {
        if let Some(bucket) = another_bucket(app, record) {
            tracing::warn!(bucket, "an event of another bucket is left alone");
            continue;
        }
        let key = s3_key(record)?;
        let Ok((user_id, video_id)) = keys::parse_upload(&key) else {
            continue;
        };
        let Some(video) = app.videos.get(video_id).await? else {
            continue;
        };
        if video.user_id != user_id {
            continue;
        }
        if video.unsent {
            resend_job(app, &video).await?;
            continue;
        }
        if video.unfinished() != Some(Unfinished::Upload) {
            continue;
        }
        // The event may be late: what counts is what is there now.
        let Some(head) = app.objects.head(&key).await? else {
            continue;
        };
        if is_as_announced(&video, &head) {
            enqueue(app, &video, &head).await?;
        }
    }
    Ok(())
}

/// The bucket that an event tells of, if it is not the one of uploads. One that somebody wrote by
/// hand may name none.
fn another_bucket<'a>(app: &App, record: &'a S3EventRecord) -> Option<&'a str> {
    let bucket = record.s3.bucket.name.as_deref()?;
    (!app.objects.is_bucket(bucket)).then_some(bucket)
}

const MAX_FILENAME_CHARS: usize = 200;

/// The user's file name as data: its last segment, without characters that cannot be seen.
pub(super) fn clean_filename(given: &str) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !is_invisible(*c))
        .take(MAX_FILENAME_CHARS)
        .collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// The same, where there must be one.
pub(super) fn required_filename(given: &str) -> Result<String> {
    clean_filename(given).ok_or_else(|| Error::bad_field("filename", "filename is empty"))
}

/// Refuses what is empty or too long.
pub(super) fn check_size(app: &App, size: u64) -> Result<()> {
    let max = app.settings.max_video_bytes;
    if size == 0 {
        return Err(Error::bad_field("size", "the file is empty"));
    }
    if size > max {
        return Err(Error::rejected(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the file has {size} bytes; at most {max} are taken"),
        ));
    }
    Ok(())
}

/// Where to mail the outcome: the token says it, or the identity provider. `None`: no address of the
/// caller is verified, and an unverified one may be anybody's.
pub(super) async fn email_of(app: &App, caller: &Caller) -> Result<Option<String>> {
    match &caller.email {
        Some(email) => Ok(Some(email.clone())),
        None => app.identity.email(&caller.username).await,
    }
}

/// Whether an uploaded file has the length that was announced, if one was.
pub(super) fn is_as_announced(video: &Video, head: &ObjectHead) -> bool {
    video.size.is_none_or(|announced| announced == head.size)
}

/// Queues the job of a video whose file is there.
pub(super) async fn enqueue(app: &App, video: &Video, head: &ObjectHead) -> Result<Video> {
    queue_job(app, &video.video_id, |now| {
        now.uploaded(head.size, &head.etag, app.clock.now())
    })
    .await
}

/// Queues a video that has ended once more, with these options or those that it had.
pub(super) async fn requeue(
    app: &App,
    video: &Video,
    options: Option<ExtractionOptions>,
) -> Result<Video> {
    // The outcome so far is told before it is over.
    publish(app, video).await?;
    queue_job(app, &video.video_id, |now| {
        // The round that was asked about is over: this retry was done and its answer lost, or another one was.
        // A second one would end a round whose outcome nobody has been told.
        if now.round != video.round {
            return None;
        }
        let retried = now.retried(app.clock.now())?;
        Some(Video {
            options: options.clone().unwrap_or_else(|| now.options.clone()),
            ..retried
        })
    })
    .await
}

/// Changes a record to be queued, and then sends its job, if it was us who changed it. The record comes
/// first: however often somebody asks, and whatever the queue answers, the record knows that the job
/// is to be sent. After a crash between the two the bucket's own news sends it, or a user who asks again, or
/// the sweep.
async fn queue_job(
    app: &App,
    video_id: &str,
    decide: impl Fn(&Video) -> Option<Video> + Send + Sync,
) -> Result<Video> {
    let is_ours = AtomicBool::new(false);
    let queued = update(app, video_id, |now| {
        let next = decide(now);
        is_ours.store(next.is_some(), Ordering::Relaxed);
        Ok(next)
    })
    .await?;
    if is_ours.into_inner() {
        send_job(app, &queued).await?;
    }
    Ok(queued)
}

/// Sends a queued video's job again, should it not have been sent before. However often the user asks,
/// each time there is a longer wait between two sends.
async fn resend_job(app: &App, video: &Video) -> Result<Video> {
    let Some(next) = video.job_resent(app.clock.now()) else {
        if video.unsent {
            return Err(Error::transient("the queue has not taken the job yet"));
        }
        return Ok(video.clone());
    };
    if app.videos.put(&next, Some(video.version)).await? {
        send_job(app, &next).await?;
    }
    Ok(next)
}

/// How often its user may have a video done again: each time is a mail, and work.
const MAX_RETRIES: u32 = 10;

pub(super) fn check_retries(video: &Video) -> Result<()> {
    if video.round < MAX_RETRIES {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "it was retried {MAX_RETRIES} times, which is as often as a video may be; upload it again"
    ))
    .of_kind("too-many-retries"))
}

/// Sends a queued video's job, and notes that the queue has taken it. Until then the record says that it may
/// not have: it may be sent again sooner, and nobody is told that all is well.
async fn send_job(app: &App, video: &Video) -> Result<()> {
    app.jobs.send(&video.job(), Duration::zero()).await?;
    let Some(sent) = video.job_sent(app.clock.now()) else {
        return Ok(());
    };
    // Who was faster has begun with it. Without the note a copy may be sent.
    if let Err(error) = app.videos.put(&sent, Some(video.version)).await {
        tracing::warn!(%error, "it could not be noted that a job was sent");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_one_clean_segment() {
        assert_eq!(
            clean_filename("../../etc/pass\u{0}wd").as_deref(),
            Some("passwd")
        );
        assert_eq!(
            clean_filename("C:\\videos\\a b.mp4").as_deref(),
            Some("a b.mp4")
        );
        assert_eq!(
            clean_filename("gpj\u{202e}4pm.exe").as_deref(),
            Some("gpj4pm.exe")
        );
        assert_eq!(clean_filename("/"), None);
        assert_eq!(clean_filename("\r\n"), None);
        assert_eq!(
            clean_filename(&"é".repeat(500)).map(|n| n.chars().count()),
            Some(200)
        );
    }
}
