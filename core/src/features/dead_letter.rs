//! A message of the dead-letter queue: SQS has given a job up. Marks the video failed and tells
//! the user. What is no job stays where it is, for a person to look at.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};

use super::records::{publish, update};
use crate::domain::Job;
use crate::feature::lift::each;
use crate::{App, Error, Result};

const REASON: &str = "it was tried several times and could not be finished; please try it again";

/// Settles each message whose job names a video.
///
/// # Errors
/// When the whole batch must come back.
pub async fn handle(app: &App, event: SqsEvent) -> Result<SqsBatchResponse> {
    each(&event, |message| {
        settle(app, message.body.as_deref().unwrap_or_default())
    })
    .await
}

async fn settle(app: &App, body: &str) -> Result<()> {
    for job in Job::from_body(body)? {
        if app.videos.get(&job.video_id).await?.is_none() {
            let id = job.video_id;
            return Err(Error::permanent(format!("no attempt ever began on {id}")));
        }
        let video = update(app, &job.video_id, |video| {
            let now = app.clock.now();
            if video.status.is_terminal() || video.is_deleted() {
                return Ok(None);
            }
            if video.is_held(now) {
                return Err(Error::transient("an attempt is still at work"));
            }
            Ok(Some(video.ended(Err(REASON.to_owned()), now)))
        })
        .await?;
        publish(app, &video).await?;
    }
    Ok(())
}
