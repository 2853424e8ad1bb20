//! What the ways of uploading share.

use crate::domain::Video;
use crate::feature::Caller;
use crate::ports::ObjectHead;
use crate::{App, Error, Result};
use chrono::Duration;
use http::StatusCode;

use super::records::update;

const MAX_FILENAME_CHARS: usize = 200;

/// The user's file name as data: its last segment, without control characters.
pub(super) fn clean_filename(given: &str) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_FILENAME_CHARS)
        .collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// Refuses what is empty or too long.
pub(super) fn check_size(app: &App, size: u64) -> Result<()> {
    let max = app.settings.max_video_bytes;
    if size == 0 {
        return Err(Error::bad_request("the file is empty"));
    }
    if size > max {
        return Err(Error::rejected(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the file has {size} bytes; at most {max} are taken"),
        ));
    }
    Ok(())
}

/// Where to mail the outcome: the token says it, or the identity provider.
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

/// Queues the job of a video whose file is there. The job is sent before the record says so: a
/// crash between the two costs a second message, which finds the work done, and never the job.
pub(super) async fn enqueue(app: &App, video: &Video, head: &ObjectHead) -> Result<Video> {
    let mut job = video.job();
    job.etag = Some(head.etag.clone());
    app.jobs.send(&job, Duration::zero()).await?;
    update(app, &video.video_id, |now| {
        Ok(now.uploaded(head.size, &head.etag, app.clock.now()))
    })
    .await
}

/// Queues a video that has ended once more. Here the record comes first, because an ended one
/// is left alone by the processor; asking again for a queued one sends the job again.
pub(super) async fn requeue(app: &App, video: &Video) -> Result<Video> {
    let queued = update(app, &video.video_id, |now| Ok(now.retried(app.clock.now()))).await?;
    app.jobs.send(&queued.job(), Duration::zero()).await?;
    Ok(queued)
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
        assert_eq!(clean_filename("/"), None);
        assert_eq!(clean_filename("\r\n"), None);
        assert_eq!(
            clean_filename(&"é".repeat(500)).map(|n| n.chars().count()),
            Some(200)
        );
    }
}
