//! An *attempt* at a job and its *lease*: which attempt may write to a video, and until when.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::{Job, Progress, Status, Video, Wait};

/// One try at a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Unique to the try; a write in its name needs it to be the record's.
    pub id: String,
    /// Until when it may work on the video without a further sign of life.
    pub lease_until: DateTime<Utc>,
}

/// What an attempt that wants to begin may do.
#[derive(Debug, PartialEq, Eq)]
pub enum Begin {
    /// Go on, with this record.
    Go(Box<Video>),
    /// Nothing: the video is done, failed or deleted, or the job belongs to an earlier round of it.
    Finished,
    /// Wait: another attempt has the lease for as long as this, unless it renews it; or the video is to be
    /// given up, and for as long as this nobody can be sure.
    Leased(Duration),
    /// Nothing: too many attempts were aborted. The video fails, with this record.
    GiveUp(Box<Video>),
}

/// How many attempts at a video may be aborted, without a word of why, before it fails.
pub(super) const MAX_ABORTED_ATTEMPTS: usize = 5;
/// How long a video that is to be given up waits for news that one of its attempts was not cut off: longer
/// than a message with such news may have been told to wait.
const LAST_WORD: Duration = Duration::minutes(15);
/// How many attempts at a video may be told to stop before they could finish, before it fails. A
/// roll-out stops one now and then; this many in a row are stopped because there is never time enough.
pub(super) const MAX_STOPPED_ATTEMPTS: u32 = 20;

/// How an attempt without an outcome gives its lease back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// A fault that was not the video's ended it: the next attempt finds the video as it was.
    Faulted,
    /// It was told to stop.
    Stopped,
    /// The video was too much for a machine that is sound; what happened.
    Aborted(String),
}

impl Video {
    /// Decides whether the attempt with the id `attempt` at `job` may begin, for a time of `lease`.
    #[must_use]
    pub fn begin(&self, job: &Job, attempt: &str, lease: Duration, now: DateTime<Utc>) -> Begin {
        if self.is_over_for(job) {
            return Begin::Finished;
        }
        // An attempt that ended in order has given its lease back, or says so in the job.
        let unreleased = self.attempt.as_ref();
        let unreleased = unreleased.filter(|a| !job.releases(&a.id));
        // The clock that it was written by may be behind this one, by as long as the lease at most.
        let lease_left = unreleased.map(|a| a.lease_until + lease - now);
        if let Some(left) = lease_left.filter(|left| *left > Duration::zero()) {
            return Begin::Leased(left);
        }
        let last_word = unreleased.map(|a| a.lease_until + lease + LAST_WORD);
        let mut unreleased_attempts = self.unreleased_attempts.clone();
        unreleased_attempts.retain(|id| !job.releases(id));
        unreleased_attempts.extend(unreleased.map(|a| a.id.clone()));
        let aborted = usize::try_from(self.aborted_attempts).unwrap_or(usize::MAX);
        let aborted = aborted.saturating_add(unreleased_attempts.len());
        if let Some(last_word) = last_word
            && aborted >= MAX_ABORTED_ATTEMPTS
            && now < last_word
        {
            return Begin::Leased(last_word - now);
        }
        let reason = if aborted >= MAX_ABORTED_ATTEMPTS {
            Some("each attempt at it was cut off; it may need more than there is")
        } else if self.stopped_attempts >= MAX_STOPPED_ATTEMPTS {
            Some("no attempt at it could be finished in the time that there is")
        } else {
            None
        };
        if let Some(reason) = reason {
            return Begin::GiveUp(Box::new(self.failed(reason, now)));
        }
        Begin::Go(Box::new(Self {
            status: Status::Processing,
            unreleased_attempts,
            resends: 0,
            unsent: false,
            asked_resends: 0,
            // Whoever was cut off may have stored a zip, or do so yet.
            stray_objects: self.stray_objects || self.attempt.is_some(),
            waiting_job: None,
            attempt: Some(Attempt {
                id: attempt.to_owned(),
                lease_until: now + lease,
            }),
            frames: 0,
            progress: 0,
            ..self.next_version(now)
        }))
    }

    /// Whether nothing is left to do for `job`.
    #[must_use]
    pub fn is_over_for(&self, job: &Job) -> bool {
        self.is_deleted() || self.status.is_terminal() || job.round < self.round
    }

    /// Whether an attempt has the lease.
    #[must_use]
    pub fn is_leased(&self, now: DateTime<Utc>) -> bool {
        self.attempt.as_ref().is_some_and(|a| a.lease_until > now)
    }

    /// Whether `attempt` is still the one that may write to the video.
    #[must_use]
    pub fn is_leased_by(&self, attempt: &str) -> bool {
        self.status == Status::Processing
            && !self.is_deleted()
            && self.attempt.as_ref().is_some_and(|a| a.id == attempt)
    }

    /// The attempt that has the lease is this far, and renews it.
    #[must_use]
    pub fn progressed(&self, progress: Progress, lease: Duration, now: DateTime<Utc>) -> Self {
        let attempt = self.attempt.clone().map(|a| Attempt {
            lease_until: now + lease,
            ..a
        });
        Self {
            attempt,
            frames: progress.frames,
            progress: progress.percent.unwrap_or(self.progress).min(99),
            ..self.next_version(now)
        }
    }

    /// The wait of `job` for the end of the attempt at work. `None`: a newer message waits, and this one
    /// is a copy.
    #[must_use]
    pub fn wait_of(&self, job: &Job) -> Option<Wait> {
        let attempt = self.attempt.as_ref()?.id.clone();
        let number = |wait: &Option<Wait>| {
            let wait = wait.as_ref().filter(|wait| wait.attempt == attempt);
            wait.map_or(0, |wait| wait.number)
        };
        let (own, newest) = (number(&job.waits_for), number(&self.waiting_job));
        (own >= newest).then(|| Wait {
            attempt: attempt.clone(),
            number: own + 1,
        })
    }

    /// A message with its job waits for the attempt at work to end. `None`: there is no such attempt
    /// any more.
    #[must_use]
    pub fn with_waiting_job(&self, wait: &Wait, now: DateTime<Utc>) -> Option<Self> {
        self.is_leased_by(&wait.attempt).then(|| Self {
            waiting_job: Some(wait.clone()),
            ..self.next_version(now)
        })
    }

    /// These attempts have ended in order, although their leases ran out: they were not cut off. `None`:
    /// nobody has held that against the video.
    #[must_use]
    pub fn attempts_ended_in_order(&self, attempts: &[String], now: DateTime<Utc>) -> Option<Self> {
        let is_known = |id: &String| attempts.contains(id);
        let is_open = !self.status.is_terminal() && !self.is_deleted();
        (is_open && self.unreleased_attempts.iter().any(is_known)).then(|| {
            let mut next = self.next_version(now);
            next.unreleased_attempts.retain(|id| !is_known(id));
            next
        })
    }

    /// The attempt that has the lease gives it back: the next may begin at once.
    #[must_use]
    pub fn released(&self, release: Release, now: DateTime<Utc>) -> Self {
        let (stopped, aborted, too_much) = match release {
            Release::Faulted => (0, 0, None),
            Release::Stopped => (1, 0, None),
            Release::Aborted(what) => (0, 1, Some(what)),
        };
        Self {
            attempt: None,
            stray_objects: true,
            stopped_attempts: self.stopped_attempts + stopped,
            aborted_attempts: self.aborted_attempts + aborted,
            too_much: too_much.or_else(|| self.too_much.clone()),
            ..self.next_version(now)
        }
    }
}
