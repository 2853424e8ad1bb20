//! On a schedule: finds stale videos, so that none stays as it is for ever.
//!
//! A job whose message is gone is sent again, an outcome that was stored but not published is
//! published, one whose mail has not gone is published again, an upload that never came ends as
//! failed, and what is of no use any more is removed: what a deleted video may have left, and zips
//! that nobody wants. Most of the time there is nothing to do: a crash leaves its message in the queue.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use chrono::Duration;

use super::records::{publish, remove_unwanted_objects, update};
use super::upload_parts::abort_parts;
use super::uploads::{enqueue, is_as_announced};
use crate::domain::{Notice, Stale, Status, Unfinished, Video};
use crate::{App, Error, Result};

const NO_UPLOAD: &str = "its file was not uploaded in time";

/// Settles each video that is not finished and has not changed for a while.
///
/// # Errors
/// When some could not be settled; the next run tries them again.
pub async fn sweep_stale_videos(app: &App, _event: EventBridgeEvent) -> Result<()> {
    let (mut seen, mut failed) = (0_u32, 0_u32);
    for kind in Unfinished::ALL {
        let before = app.clock.now() - app.settings.sweep_after.of(kind);
        let mut after = None;
        loop {
            let page = app
                .videos
                .unfinished(kind, before, after.as_deref())
                .await?;
            for video_id in &page.video_ids {
                seen += 1;
                let outcome = app
                    .cancel
                    .run_until_cancelled(settle_stale(app, video_id))
                    .await;
                match outcome {
                    Some(Ok(())) => {}
                    Some(Err(error)) => {
                        tracing::warn!(video_id, %error, "a video could not be settled");
                        failed += 1;
                    }
                    None => return Err(Error::transient("the sweep was told to stop")),
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    if failed > 0 {
        return Err(Error::transient(format!(
            "{failed} of {seen} videos could not be settled"
        )));
    }
    Ok(())
}

async fn settle_stale(app: &App, video_id: &str) -> Result<()> {
    let now = app.clock.now();
    let Some(video) = app.videos.get(video_id).await? else {
        return Ok(());
    };
    match video.stale(app.settings.sweep_after, now) {
        None => Ok(()),
        Some(Stale::Unpublished) => publish(app, &video).await,
        Some(Stale::UploadMissing) => settle_missing_upload(app, &video).await,
        Some(Stale::JobLost(next)) => {
            tracing::warn!(video_id, "a stale job is sent again");
            app.jobs.send(&video.job(), Duration::zero()).await?;
            // Who was faster has moved it, and that is all that is wanted.
            app.videos.put(&next, Some(video.version)).await.map(|_| ())
        }
        Some(Stale::Undelivered(next)) => {
            tracing::warn!(
                video_id,
                "an outcome whose mail has not gone is published again"
            );
            app.topic.publish(&Notice::from_video(&video)).await?;
            app.videos.put(&next, Some(video.version)).await.map(|_| ())
        }
        Some(Stale::NotRemoved(next)) => {
            remove_unwanted_objects(app, &video).await?;
            app.videos.put(&next, Some(video.version)).await.map(|_| ())
        }
    }
}

/// Nobody said that the file is there: it may be, or it never comes.
async fn settle_missing_upload(app: &App, video: &Video) -> Result<()> {
    let head = app.objects.head(&video.key).await?;
    if let Some(head) = head.filter(|head| is_as_announced(video, head)) {
        return enqueue(app, video, &head).await.map(|_| ());
    }
    abort_parts(app, video).await?;
    let ended = update(app, &video.video_id, |now| {
        let waits = now.status == Status::AwaitingUpload && !now.is_deleted();
        Ok(waits.then(|| Video {
            parts: None,
            ..now.ended(Err(NO_UPLOAD.to_owned()), app.clock.now())
        }))
    })
    .await?;
    publish(app, &ended).await
}
