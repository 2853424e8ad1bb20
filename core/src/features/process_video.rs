//! A job: turns a video into a zip of its frames. The heart of the product.
//!
//! A message may come twice, late or out of order. The record decides: an attempt takes the
//! video with a lease that it keeps renewing, every write in its name needs the lease, and an
//! ended video is left alone. Each attempt puts its zip where no other does, so that what one
//! completes late overwrites nothing; the record says whose zip it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use chrono::{DateTime, Duration, Utc};
use tracing::Instrument;

use super::job_messages::jobs_in_message;
use super::records::{MAX_TRIES, changes_too_fast, publish, update};
use crate::domain::{Begin, Extraction, ExtractionRequest, Job, Progress, Release, Status, Video};
use crate::ports::{ExtractionError, ProgressListener};
use crate::untold::UntoldEnd;
use crate::{App, Error, Result};
use lambda_anywhere::each_message;

/// The attribute of a dead letter that says why it was put there.
pub const REASON: &str = "reason";

/// Does each message's job; what is no job goes straight to the dead letters.
///
/// # Errors
/// When the whole batch must come back.
pub async fn process_jobs(app: &App, event: SqsEvent) -> Result<SqsBatchResponse> {
    each_message(app, &event, |app, message| async move {
        measure_wait(&app, message);
        tell_ends(&app).await;
        let may_send = may_send_in_place_of(message, app.clock.now());
        process_message(&app, message.body.as_deref().unwrap_or_default(), may_send).await
    })
    .await
}

/// How long the message was in the queue, by SQS's own word.
fn measure_wait(app: &App, message: &SqsMessage) {
    if let Some(sent) = moment(message, "SentTimestamp") {
        measure("waiting", app.clock.now() - sent);
    }
}

/// The time that an attribute of SQS's says.
fn moment(message: &SqsMessage, attribute: &str) -> Option<DateTime<Utc>> {
    let ms = message.attributes.get(attribute)?.parse().ok()?;
    DateTime::from_timestamp_millis(ms)
}

/// For how long a message that came back is left to come back again, before another takes its place.
const LEFT_TO_COME_BACK: Duration = Duration::minutes(30);

/// Whether a new message may take this one's place. One that came back mostly did so because nobody knows
/// whether a new one was sent: each receive would make one more, and each of those again. It comes back by
/// itself until it is old; what was received and never heard of again gets on then.
fn may_send_in_place_of(message: &SqsMessage, now: DateTime<Utc>) -> bool {
    let count = message.attributes.get("ApproximateReceiveCount");
    let came_back = count.is_some_and(|count| count != "1");
    let first = moment(message, "ApproximateFirstReceiveTimestamp");
    !came_back || first.is_none_or(|first| now - first >= LEFT_TO_COME_BACK)
}

/// Tells of attempts of this process that ended in order, of which nobody could be told so far.
async fn tell_ends(app: &App) {
    while let Some(end) = app.untold.take() {
        let now = app.clock.now();
        let told = update(app, &end.video_id, |video| {
            Ok(if video.is_leased_by(&end.attempt) {
                Some(video.released(Release::Faulted, now))
            } else {
                video.attempts_ended_in_order(std::slice::from_ref(&end.attempt), now)
            })
        });
        match told.await {
            Ok(_) | Err(Error::Rejected { .. }) => {}
            Err(error) => {
                tracing::warn!(video_id = end.video_id, %error, "an attempt's end is still untold");
                app.untold.remember(end);
                return;
            }
        }
    }
}

fn measure(phase: &'static str, time: Duration) {
    let seconds = time.to_std().unwrap_or_default().as_secs_f64();
    metrics::histogram!("fotograma.job.duration", "phase" => phase).record(seconds);
}

fn count(outcome: &'static str) {
    metrics::counter!("fotograma.jobs", "outcome" => outcome).increment(1);
}

async fn process_message(app: &App, body: &str, may_send: bool) -> Result<()> {
    let outcome = match jobs_in_message(body, |bucket| app.objects.is_bucket(bucket)) {
        Ok(jobs) => process_all(app, &jobs, may_send).await,
        Err(error) => Err(error),
    };
    match outcome {
        // No retry can help: it need not use up its receives on the way to the dead letters.
        Err(Error::Permanent(cause)) => {
            count("dead_lettered");
            app.jobs.dead_letter(body, cause.message()).await
        }
        outcome => outcome,
    }
}

async fn process_all(app: &App, jobs: &[Job], may_send: bool) -> Result<()> {
    for job in jobs {
        process_job(app, job, may_send).await?;
    }
    Ok(())
}

/// What is to become of a job when there is no error to report.
enum Next {
    /// It is over, or another message stands for it.
    Done,
    /// It is sent again at once: the attempt was told to stop, or had lost its lease.
    SendAgain,
}

/// Does a job, or sends it again as a new message; if not `may_send`, only where an attempt has begun. Else
/// the one in hand comes back.
async fn process_job(app: &App, job: &Job, may_send: bool) -> Result<()> {
    let attempt = NewAttempt {
        id: app.ids.next(),
        may_have_begun: AtomicBool::new(false),
    };
    let (job, wait, why) = match run_job(app, job, &attempt).await {
        Ok(Next::Done) => {
            app.health.message_done();
            return Ok(());
        }
        Ok(Next::SendAgain) => {
            count("given_back");
            let why = Error::transient("the attempt has ended without an outcome");
            (job.clone(), Duration::zero(), why)
        }
        Err(error @ (Error::Rejected { .. } | Error::Permanent(_))) => return Err(error),
        // Only what reads the message or the video may end a video. After any other fault the job
        // waits as a new message, because each receive of this one would count.
        Err(error) => {
            app.health.failed(&error);
            count("postponed");
            let (job, wait) = job.postponed();
            (job, wait, error)
        }
    };
    // One that the record cannot have heard of has nothing to give back.
    let may_have_begun = attempt.may_have_begun.into_inner();
    let sent = if may_have_begun {
        // Also in place of a message that came back: it tells how the attempt ended, and attempts are few.
        app.jobs.send(&job.released_by(&attempt.id), wait).await
    } else if may_send {
        app.jobs.send(&job, wait).await
    } else {
        Err(why)
    };
    if sent.is_err() && may_have_begun {
        app.untold.remember(UntoldEnd {
            video_id: job.video_id,
            attempt: attempt.id,
        });
    }
    sent
}

/// An attempt that wants to begin.
struct NewAttempt {
    id: String,
    /// Whether the record may name it.
    may_have_begun: AtomicBool,
}

async fn run_job(app: &App, job: &Job, attempt: &NewAttempt) -> Result<Next> {
    let Some(video) = begin_attempt(app, job, attempt).await? else {
        return Ok(Next::Done);
    };
    let attempt = attempt.id.as_str();
    let span = tracing::info_span!(
        "job",
        video_id = video.video_id,
        user_id = video.user_id,
        attempt
    );
    run_attempt(app, job, &video, attempt)
        .instrument(span)
        .await
}

/// One attempt, from its lease of the video to the lease's release.
async fn run_attempt(app: &App, job: &Job, video: &Video, attempt: &str) -> Result<Next> {
    let began = app.clock.now();
    let lease = VideoLease {
        app,
        video_id: &video.video_id,
        attempt,
        zip_key: video.zip_key_of(attempt),
        renewal: Mutex::new(Renewal {
            progress: None,
            at: began,
            until: began + app.settings.lease,
        }),
    };
    let extracted = app
        .cancel
        .run_until_cancelled(extract(app, video, job, &lease))
        .await;
    let outcome = match extracted {
        Some(Ok(extraction)) => Ok(extraction),
        Some(Err(ExtractionError::Video(reason))) => Err(reason),
        // It came again, the same way: another attempt would end so too.
        Some(Err(ExtractionError::TooMuch(why))) if video.too_much.as_ref() == Some(&why) => {
            Err(format!("it is too much for this service: {why}"))
        }
        Some(Err(ExtractionError::TooMuch(why))) => {
            app.health.extraction_failed();
            let release = Release::Aborted(why.clone());
            let fault = Error::transient(why);
            return lease.give_up(release, Err(fault)).await;
        }
        Some(Err(ExtractionError::Other(error))) => {
            app.health.extraction_failed();
            return lease.give_up(Release::Faulted, Err(error)).await;
        }
        None => return lease.give_up(Release::Stopped, Ok(Next::SendAgain)).await,
    };
    app.health.worked();
    let now = app.clock.now();
    measure("extracting", now - began);
    let ended = update(app, &video.video_id, |video| {
        lease.check(video)?;
        Ok(Some(video.ended(outcome.clone(), now)))
    });
    match ended.await {
        Ok(video) => {
            count(video.status.word());
            tracing::info!(
                outcome = video.status.word(),
                frames = video.frames,
                reason = video.reason,
                warning = video.warning,
                "the job has ended"
            );
            publish(app, &video).await.map(|()| Next::Done)
        }
        Err(error) => lease.give_up(Release::Faulted, Err(error)).await,
    }
}

/// Takes the video for this attempt. `None`: there is nothing left to do.
async fn begin_attempt(app: &App, job: &Job, attempt: &NewAttempt) -> Result<Option<Video>> {
    for _ in 0..MAX_TRIES {
        let now = app.clock.now();
        let known = app.videos.get(&job.video_id).await?;
        if known.is_none() && job.registered {
            // It had a record: the video was deleted, and its mark is gone too.
            return Ok(None);
        }
        if let Some(video) = &known
            && awaits_its_file(app, video).await?
        {
            return Ok(None);
        }
        // A job that was put into the queue by hand has no record yet.
        let video = known.clone().unwrap_or_else(|| Video::new(job, now));
        if video.user_id != job.user_id {
            return Err(Error::permanent("the job names another user's video"));
        }
        let (next, goes_on) = match video.begin(job, &attempt.id, app.settings.lease, now) {
            Begin::Go(next) => (next, true),
            Begin::GiveUp(next) => (next, false),
            // It may have ended in a crash, just before that was published.
            Begin::Finished => return publish(app, &video).await.map(|()| None),
            Begin::Leased(left) => {
                return wait_for_lease(app, job, &video, left).await.map(|()| None);
            }
        };
        attempt.may_have_begun.store(true, Ordering::Relaxed);
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
    Err(changes_too_fast(&job.video_id))
}

/// Whether a registered video's file has not come yet: it may still, and the job of then is another.
async fn awaits_its_file(app: &App, video: &Video) -> Result<bool> {
    Ok(video.status == Status::AwaitingUpload
        && !video.is_deleted()
        && app.objects.head(&video.key).await?.is_none())
}

/// The other attempt may be at work, or dead: that shows when its lease is over. Until then the job
/// waits as a new message, because each receive of this one would count. One message waits for an
/// attempt: what else comes while it is at work is a copy, and is done with.
async fn wait_for_lease(app: &App, job: &Job, video: &Video, left: Duration) -> Result<()> {
    let Some(wait) = video.wait_of(job) else {
        count("collapsed");
        return note_released(app, job, video).await;
    };
    count("waits_for_lease");
    let waiting = Job {
        waits_for: Some(wait.clone()),
        ..job.clone()
    };
    app.jobs.send(&waiting, left).await?;
    let noted = update(app, &job.video_id, |video| {
        Ok(video.with_waiting_job(&wait, app.clock.now()))
    });
    // The new message is there, so this one is done; without the note a further copy lives on.
    if let Err(error) = noted.await {
        tracing::warn!(%error, "a waiting job could not be noted");
    }
    Ok(())
}

/// What a copy says of the attempts that sent it is not lost with the copy.
async fn note_released(app: &App, job: &Job, video: &Video) -> Result<()> {
    let released = &job.released_attempts;
    let now = app.clock.now();
    if video.attempts_ended_in_order(released, now).is_none() {
        return Ok(());
    }
    let noted = update(app, &job.video_id, |video| {
        Ok(video.attempts_ended_in_order(released, now))
    });
    noted.await.map(drop)
}

async fn extract(
    app: &App,
    video: &Video,
    job: &Job,
    listener: &VideoLease<'_>,
) -> Result<Extraction, ExtractionError> {
    let unfit = |reason: String| Err(ExtractionError::Video(reason));
    let Some(head) = app.objects.head(&video.key).await? else {
        return unfit("the uploaded file is not there".to_owned());
    };
    let max = app.settings.max_video_bytes;
    if head.size > max {
        return unfit(format!(
            "the file has {} bytes; at most {max} are taken",
            head.size
        ));
    }
    let checked = job.etag.as_ref().or(video.etag.as_ref());
    if checked.is_some_and(|etag| etag.trim_matches('"') != head.etag.trim_matches('"')) {
        return unfit("the file was replaced after it had been checked".to_owned());
    }
    let request = ExtractionRequest {
        key: video.key.clone(),
        etag: head.etag,
        zip_key: listener.zip_key.clone(),
        options: video.options.clone(),
        modified: video.created_at,
    };
    app.frames.extract(&request, listener).await
}

/// An attempt's lease of its video, renewed while the extraction goes on.
struct VideoLease<'a> {
    app: &'a App,
    video_id: &'a str,
    attempt: &'a str,
    /// Where the attempt puts the zip.
    zip_key: String,
    renewal: Mutex<Renewal>,
}

/// The newest renewal of a lease.
#[derive(Clone, Copy)]
struct Renewal {
    /// What was written; `None` before the first time.
    progress: Option<Progress>,
    at: DateTime<Utc>,
    until: DateTime<Utc>,
}

fn lease_lost() -> Error {
    Error::transient("the attempt has lost its lease of the video")
}

impl VideoLease<'_> {
    fn check(&self, video: &Video) -> Result<()> {
        if video.is_leased_by(self.attempt) {
            Ok(())
        } else {
            Err(lease_lost())
        }
    }

    fn renewal(&self) -> MutexGuard<'_, Renewal> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a write is due: something is new, or a third of the lease is over.
    fn is_due(&self, progress: Progress, now: DateTime<Utc>) -> bool {
        let last = *self.renewal();
        last.progress
            .is_none_or(|written| written.percent != progress.percent)
            || now - last.at >= self.app.settings.lease / 3
    }

    /// Renews the lease and writes down what is new.
    async fn renew(&self, progress: Progress, now: DateTime<Utc>) -> Result<()> {
        let lease = self.app.settings.lease;
        let is_lost = AtomicBool::new(false);
        let written = update(self.app, self.video_id, |video| {
            self.check(video)
                .inspect_err(|_| is_lost.store(true, Ordering::Relaxed))?;
            Ok(Some(video.progressed(progress, lease, now)))
        });
        match written.await {
            Ok(_) => {
                *self.renewal() = Renewal {
                    progress: Some(progress),
                    at: now,
                    until: now + lease,
                };
                Ok(())
            }
            Err(error) => {
                let margin = lease / 4;
                if is_lost.load(Ordering::Relaxed) || now >= self.renewal().until - margin {
                    return Err(error);
                }
                // The lease still holds: the next progress tries again.
                tracing::warn!(%error, "the lease of a video could not be renewed yet");
                Ok(())
            }
        }
    }

    /// The attempt ends without an outcome: the next may begin at once, and what a deleted video's
    /// attempt may have stored is removed. Gives `next`, unless the attempt had lost its lease.
    async fn give_up(&self, release: Release, next: Result<Next>) -> Result<Next> {
        let now = self.app.clock.now();
        let was_leased = AtomicBool::new(false);
        let released = update(self.app, self.video_id, |video| {
            let leased = video.is_leased_by(self.attempt);
            was_leased.store(leased, Ordering::Relaxed);
            Ok(if leased {
                Some(video.released(release.clone(), now))
            } else {
                video.attempts_ended_in_order(&[self.attempt.to_owned()], now)
            })
        });
        match released.await {
            Ok(video) if video.is_deleted() => {
                for key in video.objects_of(self.attempt) {
                    self.app.objects.remove(&key).await?;
                }
                Ok(Next::Done)
            }
            Ok(_) if was_leased.into_inner() => next,
            // Somebody else has the video, or has ended it: the job is to be looked at again.
            Ok(_) => Ok(Next::SendAgain),
            // The job says that the lease is given back, where the record could not be told.
            Err(error) => {
                tracing::warn!(%error, "a lease could not be given back in the record");
                next
            }
        }
    }
}

#[async_trait]
impl ProgressListener for VideoLease<'_> {
    async fn progress(&self, progress: Progress) -> Result<()> {
        let now = self.app.clock.now();
        if self.is_due(progress, now) {
            self.renew(progress, now).await?;
        }
        Ok(())
    }
}
