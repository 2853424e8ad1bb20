//! A message of the dead-letter queue. A job that SQS gave up on goes back to the queue: it got here
//! because nobody could even send it again, which says nothing about its video. What was put here with
//! a reason, and what is no job, stays where it is for a person to look at.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use chrono::Duration;

use super::job_messages::jobs_in_message;
use super::process_video::REASON;
use super::records::publish;
use crate::domain::Job;
use crate::{App, Error, Result};
use lambda_anywhere::each_message;
use lambda_anywhere::envelope::attribute;

/// How long a job waits that comes back from the dead letters: what kept it from being done may not
/// be over yet.
const WAIT: Duration = Duration::minutes(5);

/// Sends each job that is not over back to its queue.
///
/// # Errors
/// When the whole batch must come back.
pub async fn settle_dead_letters(app: &App, event: SqsEvent) -> Result<SqsBatchResponse> {
    each_message(app, &event, |app, message| async move {
        settle_dead_letter(&app, message).await
    })
    .await
}

async fn settle_dead_letter(app: &App, message: &SqsMessage) -> Result<()> {
    if let Some(reason) = attribute(message, REASON) {
        return Err(Error::permanent(format!("it was put aside: {reason}")));
    }
    let body = message.body.as_deref().unwrap_or_default();
    for job in jobs_in_message(body, |bucket| app.objects.is_bucket(bucket))? {
        return_job(app, &job).await?;
    }
    Ok(())
}

async fn return_job(app: &App, job: &Job) -> Result<()> {
    if let Some(video) = app.videos.get(&job.video_id).await? {
        if video.user_id != job.user_id {
            return Err(Error::permanent("the job names another user's video"));
        }
        if video.is_over_for(job) {
            // It may have ended in a crash, just before that was published.
            return publish(app, &video).await;
        }
    }
    app.jobs.send(job, WAIT).await
}
