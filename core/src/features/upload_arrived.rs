//! An S3 event: the file of a registered video has arrived. Queues its job, should the client
//! have gone away before saying so. Files of videos that nobody registered are not its business.

use aws_lambda_events::s3::S3Event;

use super::uploads::{enqueue, is_as_announced};
use crate::domain::{Status, keys};
use crate::feature::s3_key;
use crate::{App, Result};

/// Queues the job of each registered video whose file is now there.
///
/// # Errors
/// When a port fails; the event should come again.
pub async fn handle(app: &App, event: S3Event) -> Result<()> {
    for record in &event.records {
        let key = s3_key(record)?;
        let Ok((user_id, video_id)) = keys::parse_upload(&key) else {
            continue;
        };
        let Some(video) = app.videos.get(video_id).await? else {
            continue;
        };
        if video.user_id != user_id || video.status != Status::AwaitingUpload {
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
