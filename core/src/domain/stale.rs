//! Which videos are *stale*, that is, have not changed for too long, and what the sweep is to do
//! about each. Pure, like all of a video's life.

use chrono::{DateTime, Duration, Utc};

use super::{Status, Video};

/// How long a video may go without a change before the sweep takes it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepThresholds {
    /// A job, before it is sent again; longer than a message may hide between two tries.
    pub job: Duration,
    /// An upload, before it is given up.
    pub upload: Duration,
}

/// Why a video is stale, and so what is to be done about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Stale {
    /// Its outcome was stored, and not published.
    Unpublished,
    /// Its upload never ended, as far as anybody has said.
    UploadMissing,
    /// Its job may be lost: send it again, and store this record.
    JobLost(Box<Video>),
}

/// After so many times the wait for a job grows no longer.
const MAX_DOUBLINGS: u32 = 6;

impl Video {
    /// What is to be done about it now, if anything.
    #[must_use]
    pub fn stale(&self, thresholds: SweepThresholds, now: DateTime<Utc>) -> Option<Stale> {
        if self.is_deleted() {
            return None;
        }
        let still = now - self.updated_at;
        match self.status {
            Status::Done | Status::Failed => {
                (self.unpublished && still >= thresholds.job).then_some(Stale::Unpublished)
            }
            Status::AwaitingUpload => (still >= thresholds.upload).then_some(Stale::UploadMissing),
            Status::Queued | Status::Processing => {
                // Where nobody works, more and more copies of a job would help nobody.
                let wait = thresholds.job * (1 << self.resends.min(MAX_DOUBLINGS));
                (!self.is_leased(now) && still >= wait).then(|| {
                    Stale::JobLost(Box::new(Self {
                        resends: self.resends + 1,
                        ..self.next_version(now)
                    }))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Begin;
    use crate::domain::video::tests::{job, video};

    const THRESHOLDS: SweepThresholds = SweepThresholds {
        job: Duration::minutes(30),
        upload: Duration::hours(24),
    };

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minutes * 60, 0).expect("a time")
    }

    #[test]
    fn an_upload_has_a_day() {
        let video = video(Status::AwaitingUpload);
        assert_eq!(video.stale(THRESHOLDS, at(24 * 60 - 1)), None);
        assert_eq!(
            video.stale(THRESHOLDS, at(24 * 60)),
            Some(Stale::UploadMissing)
        );
    }

    #[test]
    fn a_job_is_sent_again_later_each_time() {
        let video = video(Status::Queued);
        assert_eq!(video.stale(THRESHOLDS, at(29)), None);
        let Some(Stale::JobLost(again)) = video.stale(THRESHOLDS, at(30)) else {
            panic!("its job is lost")
        };
        assert_eq!(again.stale(THRESHOLDS, at(89)), None);
        assert!(matches!(
            again.stale(THRESHOLDS, at(90)),
            Some(Stale::JobLost(_))
        ));
        let Begin::Go(begun) = again.begin(&job(), "a", Duration::hours(5), at(90)) else {
            panic!("it can be begun")
        };
        assert_eq!(begun.resends, 0);
        assert_eq!(begun.stale(THRESHOLDS, at(300)), None, "it is leased");
        assert!(begun.stale(THRESHOLDS, at(390)).is_some());
    }

    #[test]
    fn an_outcome_is_published() {
        let failed = video(Status::Processing).ended(Err("no".to_owned()), at(0));
        assert_eq!(failed.stale(THRESHOLDS, at(30)), Some(Stale::Unpublished));
        assert_eq!(failed.published(at(1)).stale(THRESHOLDS, at(90)), None);
        let deleted = failed.deleted(Duration::days(1), at(1));
        assert_eq!(deleted.stale(THRESHOLDS, at(90)), None);
    }
}
