//! An *attempt* and its lease: who holds a video, and for how long.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::{Status, Video};
use crate::ports::Progress;

/// One try at a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Unique to the try; a write in its name needs it to be the record's.
    pub id: String,
    /// Until when it holds the video without a further sign of life.
    pub lease_until: DateTime<Utc>,
}

/// What an attempt may do with a video.
#[derive(Debug, PartialEq, Eq)]
pub enum Begin {
    /// Go on, with this record.
    Go(Box<Video>),
    /// Nothing to do: it is done, failed or deleted.
    Over,
    /// Another attempt holds it, for as long as this unless it renews its lease.
    Held(Duration),
    /// Too many attempts were cut off: it fails, with this record.
    GiveUp(Box<Video>),
}

/// How many attempts at a video may be cut off, without a word of why, before it fails.
pub(super) const MAX_LOST: u32 = 5;

impl Video {
    /// An attempt wants to begin, with the id `attempt` and a lease until `lease_until`.
    #[must_use]
    pub fn begin(&self, attempt: &str, lease: Duration, now: DateTime<Utc>) -> Begin {
        if self.is_deleted() || self.status.is_terminal() {
            return Begin::Over;
        }
        // One that ended in order left none behind.
        let before = self.attempt.as_ref().map(|a| a.lease_until - now);
        let lost = match before {
            Some(rest) if rest > Duration::zero() => return Begin::Held(rest),
            Some(_) => self.lost + 1,
            None => self.lost,
        };
        if lost >= MAX_LOST {
            let reason = "each attempt at it was cut off; it may need more than there is";
            return Begin::GiveUp(Box::new(self.ended(Err(reason.to_owned()), now)));
        }
        Begin::Go(Box::new(Self {
            status: Status::Processing,
            lost,
            swept: 0,
            attempt: Some(Attempt {
                id: attempt.to_owned(),
                lease_until: now + lease,
            }),
            frames: 0,
            progress: 0,
            ..self.next(now)
        }))
    }

    /// Whether an attempt holds the video.
    #[must_use]
    pub fn is_held(&self, now: DateTime<Utc>) -> bool {
        self.attempt.as_ref().is_some_and(|a| a.lease_until > now)
    }

    /// Whether `attempt` still holds the video.
    #[must_use]
    pub fn is_held_by(&self, attempt: &str) -> bool {
        self.status == Status::Processing
            && !self.is_deleted()
            && self.attempt.as_ref().is_some_and(|a| a.id == attempt)
    }

    /// The attempt that holds it is this far, and keeps its hold.
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
            ..self.next(now)
        }
    }

    /// The attempt that holds it gives up: the next may begin at once.
    #[must_use]
    pub fn released(&self, now: DateTime<Utc>) -> Self {
        Self {
            attempt: None,
            ..self.next(now)
        }
    }
}
