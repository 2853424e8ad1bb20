//! What has stood still for too long, and what is to be done about it. Pure, like all of a
//! video's life.

use chrono::{DateTime, Duration, Utc};

use super::{Status, Video};

/// How long a video may stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A job, before it is sent again; longer than a message may hide between two tries.
    pub job: Duration,
    /// An upload, before it is given up.
    pub upload: Duration,
}

/// What is to be done about a video that has stood still.
#[derive(Debug, PartialEq, Eq)]
pub enum Overdue {
    /// Its outcome was stored, and not published.
    Publish,
    /// Its upload never ended, as far as anybody has said.
    Upload,
    /// Its job may be lost: send it again, and store this record.
    Job(Box<Video>),
}

/// After so many times the wait for a job grows no longer.
const MAX_DOUBLINGS: u32 = 6;

impl Video {
    /// What is to be done about it now, if anything.
    #[must_use]
    pub fn overdue(&self, patience: Patience, now: DateTime<Utc>) -> Option<Overdue> {
        if self.is_deleted() {
            return None;
        }
        let still = now - self.updated_at;
        match self.status {
            Status::Done | Status::Failed => {
                (self.unpublished && still >= patience.job).then_some(Overdue::Publish)
            }
            Status::AwaitingUpload => (still >= patience.upload).then_some(Overdue::Upload),
            Status::Queued | Status::Processing => {
                // Where nobody works, more and more copies of a job would help nobody.
                let wait = patience.job * (1 << self.swept.min(MAX_DOUBLINGS));
                (!self.is_held(now) && still >= wait).then(|| {
                    Overdue::Job(Box::new(Self {
                        swept: self.swept + 1,
                        ..self.next(now)
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
    use crate::domain::video::tests::video;

    const PATIENCE: Patience = Patience {
        job: Duration::minutes(30),
        upload: Duration::hours(24),
    };

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minutes * 60, 0).expect("a time")
    }

    #[test]
    fn an_upload_has_a_day() {
        let video = video(Status::AwaitingUpload);
        assert_eq!(video.overdue(PATIENCE, at(24 * 60 - 1)), None);
        assert_eq!(video.overdue(PATIENCE, at(24 * 60)), Some(Overdue::Upload));
    }

    #[test]
    fn a_job_is_sent_again_later_each_time() {
        let video = video(Status::Queued);
        assert_eq!(video.overdue(PATIENCE, at(29)), None);
        let Some(Overdue::Job(again)) = video.overdue(PATIENCE, at(30)) else {
            panic!("it is overdue")
        };
        assert_eq!(again.overdue(PATIENCE, at(89)), None);
        assert!(matches!(
            again.overdue(PATIENCE, at(90)),
            Some(Overdue::Job(_))
        ));
        let Begin::Go(begun) = again.begin("a", Duration::hours(5), at(90)) else {
            panic!("it can be begun")
        };
        assert_eq!(begun.swept, 0);
        assert_eq!(begun.overdue(PATIENCE, at(300)), None, "it is held");
        assert!(begun.overdue(PATIENCE, at(390)).is_some());
    }

    #[test]
    fn an_outcome_is_published() {
        let failed = video(Status::Processing).ended(Err("no".to_owned()), at(0));
        assert_eq!(failed.overdue(PATIENCE, at(30)), Some(Overdue::Publish));
        assert_eq!(failed.published(at(1)).overdue(PATIENCE, at(90)), None);
        let deleted = failed.deleted(Duration::days(1), at(1));
        assert_eq!(deleted.overdue(PATIENCE, at(90)), None);
    }
}
