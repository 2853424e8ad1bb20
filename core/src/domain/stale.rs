//! Which videos are *stale*, that is, have not changed for too long, and what the sweep is to do
//! about each. Pure, like all of a video's life.

use chrono::{DateTime, Duration, Utc};

use super::Video;

/// What is still to be done about a video. Each kind has its own part of the index of what is
/// unfinished, so that what may wait for a day is not read every five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfinished {
    /// The job is to be done, or its outcome to be published.
    Job,
    /// The file is to be uploaded.
    Upload,
    /// The outcome is published, and its mail has not gone yet.
    Delivery,
    /// Objects that are of no use any more are to be removed, for good: a deleted video's, and the zips
    /// of earlier rounds.
    Removal,
}

impl Unfinished {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Job, Self::Upload, Self::Delivery, Self::Removal];
}

/// How long a video may go without a change before the sweep takes it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepThresholds {
    /// A job, before it is sent again; longer than a message may hide between two tries.
    pub job: Duration,
    /// An upload, before it is given up.
    pub upload: Duration,
    /// A video of which objects are to be removed for good: longer than an upload's address, a download's
    /// and any attempt live.
    pub removal: Duration,
}

impl SweepThresholds {
    /// How long a video of this kind may go without a change.
    #[must_use]
    pub fn of(&self, unfinished: Unfinished) -> Duration {
        match unfinished {
            Unfinished::Job | Unfinished::Delivery => self.job,
            Unfinished::Upload => self.upload,
            Unfinished::Removal => self.removal,
        }
    }
}

/// Why a video is stale, and so what is to be done about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Stale {
    /// Its outcome was stored, and not published.
    Unpublished,
    /// Its outcome was published, and no mail has gone: publish it again, and store this record.
    Undelivered(Box<Video>),
    /// Its upload never ended, as far as anybody has said.
    UploadMissing,
    /// Its job may be lost: send it again, and store this record.
    JobLost(Box<Video>),
    /// These objects are of no use any more: remove them, and store this record.
    NotRemoved(Vec<String>, Box<Video>),
}

/// After so many times the wait for a job grows no longer.
const MAX_DOUBLINGS: u32 = 6;

impl Video {
    /// What is to be done about it now, if anything.
    #[must_use]
    pub fn stale(&self, thresholds: SweepThresholds, now: DateTime<Utc>) -> Option<Stale> {
        let unfinished = self.unfinished()?;
        // Where nobody works, more and more copies would help nobody.
        let doubled = match unfinished {
            Unfinished::Job | Unfinished::Delivery => 1 << self.resends.min(MAX_DOUBLINGS),
            Unfinished::Upload | Unfinished::Removal => 1,
        };
        if now - self.updated_at < thresholds.of(unfinished) * doubled {
            return None;
        }
        let resent = || {
            Box::new(Self {
                resends: self.resends + 1,
                unsent: false,
                ..self.next_version(now)
            })
        };
        match unfinished {
            Unfinished::Job if self.unpublished => Some(Stale::Unpublished),
            Unfinished::Job => (!self.is_leased(now)).then(|| Stale::JobLost(resent())),
            Unfinished::Upload => Some(Stale::UploadMissing),
            Unfinished::Delivery => Some(Stale::Undelivered(resent())),
            Unfinished::Removal => {
                let keys = if self.is_deleted() {
                    self.object_keys()
                } else {
                    self.superseded_zip_keys()
                };
                let next = self.with_objects_removed(now);
                Some(Stale::NotRemoved(keys, Box::new(next)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::video::tests::{job, video};
    use crate::domain::{Begin, Extraction, Job, Notice, Status};

    const THRESHOLDS: SweepThresholds = SweepThresholds {
        job: Duration::minutes(30),
        upload: Duration::hours(24),
        removal: Duration::hours(24),
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

    #[test]
    fn an_outcome_whose_mail_does_not_go_is_published_again_for_days() {
        let video = Video {
            email: Some("a@b.example".to_owned()),
            ..video(Status::Processing)
        };
        let mut video = video.ended(Err("no".to_owned()), at(0)).published(at(0));
        let (mut times, mut now) = (0, at(0));
        while let Some(unfinished) = video.unfinished() {
            assert_eq!(unfinished, Unfinished::Delivery);
            now += Duration::minutes(5);
            if let Some(Stale::Undelivered(next)) = video.stale(THRESHOLDS, now) {
                times += 1;
                video = *next;
            }
        }
        assert_eq!(times, 8);
        assert!(now > at(3 * 24 * 60) && now < at(5 * 24 * 60), "{now}");
        let delivered = video.delivered(&Notice::from_video(&video).notice_id, now);
        let again = Video {
            resends: 0,
            ..delivered
        };
        assert_eq!(again.unfinished(), None);
    }

    #[test]
    fn what_is_deleted_is_removed_once_more_after_a_day() {
        let deleted = video(Status::Done).deleted(Duration::days(15), at(0));
        assert_eq!(deleted.stale(THRESHOLDS, at(24 * 60 - 1)), None);
        let Some(Stale::NotRemoved(keys, gone)) = deleted.stale(THRESHOLDS, at(24 * 60)) else {
            panic!("its objects are to be removed")
        };
        assert_eq!(keys, ["uploads/u1/v1", "frames/u1/v1.zip"]);
        assert_eq!(gone.unfinished(), None);
    }

    #[test]
    fn zips_of_earlier_rounds_are_removed_after_a_day() {
        let done = |video: Video| {
            let extraction = Extraction {
                frames: 1,
                zip_bytes: 1,
                warning: None,
            };
            video.ended(Ok(extraction), at(0)).published(at(0))
        };
        let again = done(video(Status::Processing)).retried(at(0));
        let again = done(again.expect("a retry")).retried(at(0));
        let third = done(again.expect("another"));
        assert_eq!(third.zip_key(), "frames/u1/v1/2.zip");
        assert_eq!(third.stale(THRESHOLDS, at(24 * 60 - 1)), None);
        let Some(Stale::NotRemoved(keys, settled)) = third.stale(THRESHOLDS, at(24 * 60)) else {
            panic!("two zips are of no use any more")
        };
        assert_eq!(keys, ["frames/u1/v1.zip", "frames/u1/v1/1.zip"]);
        assert_eq!(settled.unfinished(), None);
        assert_eq!(
            settled.object_keys(),
            ["uploads/u1/v1", "frames/u1/v1/2.zip"]
        );
        // One that was done when rounds had no zip of their own keeps the one that it has.
        let old = Video {
            zip_round: 0,
            ..third
        };
        assert_eq!(old.zip_key(), "frames/u1/v1.zip");
        let Some(Stale::NotRemoved(keys, settled)) = old.stale(THRESHOLDS, at(24 * 60)) else {
            panic!("another may be there")
        };
        assert_eq!(keys, ["frames/u1/v1/1.zip"]);
        assert!(settled.object_keys().contains(&settled.zip_key()));
    }

    #[test]
    fn only_so_many_zips_are_kept() {
        let many = Video {
            round: 21,
            ..video(Status::Queued)
        };
        assert_eq!(
            many.surplus_zip_keys(),
            ["frames/u1/v1.zip", "frames/u1/v1/1.zip"]
        );
        let job = Job { round: 21, ..job() };
        let Begin::Go(begun) = many.begin(&job, "a", Duration::minutes(1), at(0)) else {
            panic!("it can be begun")
        };
        assert_eq!(begun.surplus_zip_keys(), Vec::<String>::new());
        assert_eq!(begun.object_keys().len(), 1 + 20 + 1);
    }
}
