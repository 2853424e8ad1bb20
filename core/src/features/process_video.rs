//! A job: turns a video into a zip of its frames. The heart of the product.
//!
//! A message may come twice, late or out of order. The record decides: an attempt takes the
//! video with a lease that it keeps renewing, every write in its name needs the hold, and an
//! ended video is left alone. The zip's key derives from the job, so doing it twice overwrites.

use std::sync::Mutex;

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use chrono::{DateTime, Duration, Utc};
use tracing::Instrument;

use super::records::{TRIES, publish, too_fast, update};
use crate::domain::{Begin, Job, Video};
use crate::feature::lift::each;
use crate::ports::{Extraction, Order, Progress, Watch};
use crate::{App, Error, Result};

/// Does each message's job; what is no job goes straight to the dead letters.
///
/// # Errors
/// When the whole batch must come back.
pub async fn handle(app: &App, event: SqsEvent) -> Result<SqsBatchResponse> {
    each(&event, |message| {
        measure_wait(app, message);
        take(app, message.body.as_deref().unwrap_or_default())
    })
    .await
}

/// How long the message was in the queue, by SQS's own word.
fn measure_wait(app: &App, message: &SqsMessage) {
    let sent = message.attributes.get("SentTimestamp");
    let sent = sent.and_then(|ms| DateTime::from_timestamp_millis(ms.parse().ok()?));
    if let Some(sent) = sent {
        measure("waiting", app.clock.now() - sent);
    }
}

fn measure(phase: &'static str, time: Duration) {
    let seconds = time.to_std().unwrap_or_default().as_secs_f64();
    metrics::histogram!("fotograma.job.duration", "phase" => phase).record(seconds);
}

fn count(outcome: &'static str) {
    metrics::counter!("fotograma.jobs", "outcome" => outcome).increment(1);
}

async fn take(app: &App, body: &str) -> Result<()> {
    let outcome = match Job::from_body(body) {
        Ok(jobs) => process_all(app, &jobs).await,
        Err(error) => Err(error),
    };
    match outcome {
        // No retry can help: it need not burn its receives on the way to the dead letters.
        Err(Error::Permanent(reason)) => {
            count("buried");
            app.jobs.bury(body, reason.message()).await
        }
        outcome => outcome,
    }
}

async fn process_all(app: &App, jobs: &[Job]) -> Result<()> {
    for job in jobs {
        process(app, job).await?;
    }
    Ok(())
}

fn stopped() -> Error {
    Error::transient("the attempt was told to stop")
}

async fn process(app: &App, job: &Job) -> Result<()> {
    let attempt = app.ids.next();
    let Some(video) = begin(app, job, &attempt).await? else {
        return Ok(());
    };
    let span = tracing::info_span!(
        "job",
        video_id = video.video_id,
        user_id = video.user_id,
        attempt
    );
    try_it(app, job, &video, &attempt).instrument(span).await
}

/// One attempt, from the hold on the video to its release.
async fn try_it(app: &App, job: &Job, video: &Video, attempt: &str) -> Result<()> {
    let hold = Hold {
        app,
        video_id: &video.video_id,
        attempt,
        last: Mutex::default(),
    };
    let began = app.clock.now();
    let extracted = app.stop.or(extract(app, video, job, &hold)).await;
    let outcome = match extracted {
        Some(Ok(extraction)) => Ok(extraction),
        Some(Err(Error::Rejected { detail, .. })) => Err(detail),
        Some(Err(error)) => return hold.give_up(error).await,
        None => return hold.give_up(stopped()).await,
    };
    let now = app.clock.now();
    measure("extracting", now - began);
    let ended = update(app, &video.video_id, |video| {
        hold.check(video)?;
        Ok(Some(video.ended(outcome.clone(), now)))
    });
    match ended.await {
        Ok(video) => {
            count(video.status.word());
            tracing::info!(
                outcome = video.status.word(),
                frames = video.frames,
                reason = video.reason,
                "the job has ended"
            );
            publish(app, &video).await
        }
        Err(error) => hold.give_up(error).await,
    }
}

/// Takes the video for this attempt. `None`: there is nothing left to do.
async fn begin(app: &App, job: &Job, attempt: &str) -> Result<Option<Video>> {
    for _ in 0..TRIES {
        let now = app.clock.now();
        let known = app.videos.get(&job.video_id).await?;
        // A job that was put into the queue by hand has no record yet.
        let video = known.clone().unwrap_or_else(|| Video::new(job, now));
        if video.user_id != job.user_id {
            return Err(Error::permanent("the job names another user's video"));
        }
        let (next, goes_on) = match video.begin(attempt, app.settings.lease, now) {
            Begin::Go(next) => (next, true),
            Begin::GiveUp(next) => (next, false),
            // It may have ended in a crash, just before that was published.
            Begin::Over => return publish(app, &video).await.map(|()| None),
            // The holder may be at work, or dead: that shows when its lease is over. Until then
            // the job waits as a new message, because each receive of this one would count.
            Begin::Held(rest) => {
                count("postponed");
                return app.jobs.send(job, rest).await.map(|()| None);
            }
        };
        if !app.videos.put(&next, known.map(|v| v.version)).await? {
            // Somebody else wrote: what they did decides.
            continue;
        }
        if goes_on {
            return Ok(Some(*next));
        }
        count("failed");
        return publish(app, &next).await.map(|()| None);
    }
    Err(too_fast(&job.video_id))
}

async fn extract(app: &App, video: &Video, job: &Job, watch: &Hold<'_>) -> Result<Extraction> {
    let Some(head) = app.objects.head(&video.key).await? else {
        return Err(Error::unprocessable("the uploaded file is not there"));
    };
    let max = app.settings.max_video_bytes;
    if head.size > max {
        return Err(Error::unprocessable(format!(
            "the file has {} bytes; at most {max} are taken",
            head.size
        )));
    }
    let checked = job.etag.as_ref().or(video.etag.as_ref());
    if checked.is_some_and(|etag| etag.trim_matches('"') != head.etag.trim_matches('"')) {
        return Err(Error::unprocessable(
            "the file was replaced after it had been checked",
        ));
    }
    let order = Order {
        key: video.key.clone(),
        etag: head.etag,
        zip_key: video.zip_key(),
        every_ms: video.every_ms,
        mode: video.mode,
        modified: video.created_at,
    };
    app.frames.extract(&order, watch).await
}

/// An attempt's hold on its video, kept while the extraction goes on.
struct Hold<'a> {
    app: &'a App,
    video_id: &'a str,
    attempt: &'a str,
    /// What was last written, and when.
    last: Mutex<Option<(Progress, DateTime<Utc>)>>,
}

impl Hold<'_> {
    fn check(&self, video: &Video) -> Result<()> {
        if video.is_held_by(self.attempt) {
            Ok(())
        } else {
            Err(Error::transient(
                "the attempt has lost its hold on the video",
            ))
        }
    }

    /// Whether a write is due: something is new, or a third of the lease is over.
    fn is_due(&self, progress: Progress, now: DateTime<Utc>) -> bool {
        let last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        last.is_none_or(|(written, at)| {
            written.percent != progress.percent || now - at >= self.app.settings.lease / 3
        })
    }

    /// The attempt ends without an outcome. The next may begin at once; and what a deleted
    /// video's attempt may have stored is removed.
    async fn give_up(&self, error: Error) -> Result<()> {
        count("given_back");
        let now = self.app.clock.now();
        let video = update(self.app, self.video_id, |video| {
            Ok(video.is_held_by(self.attempt).then(|| video.released(now)))
        })
        .await?;
        if video.is_deleted() {
            self.app.objects.remove(&video.zip_key()).await?;
            return Ok(());
        }
        Err(error)
    }
}

#[async_trait]
impl Watch for Hold<'_> {
    async fn progress(&self, progress: Progress) -> Result<()> {
        let now = self.app.clock.now();
        if !self.is_due(progress, now) {
            return Ok(());
        }
        let lease = self.app.settings.lease;
        let written = update(self.app, self.video_id, |video| {
            self.check(video)?;
            Ok(Some(video.progressed(progress, lease, now)))
        });
        written.await?;
        *self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some((progress, now));
        Ok(())
    }
}
