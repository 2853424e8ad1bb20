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
    /// Objects that are of no use any more are to be removed, for good: a deleted video's, and zips that
    /// nobody wants.
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
    /// There may be objects that are of no use any more: remove them, and store this record.
    NotRemoved(Box<Video>),
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
                let next = self.with_objects_removed(now);
                Some(Stale::NotRemoved(Box::new(next)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::video::tests::{job, video};
    use crate::domain::{Begin, Extraction, Notice, Release, Status};

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
        let Some(Stale::NotRemoved(gone)) = deleted.stale(THRESHOLDS, at(24 * 60)) else {
            panic!("its objects are to be removed")
        };
        assert_eq!(gone.unfinished(), None);
        let listed = [
            "frames/u1/v1.zip",
            "frames/u1/v1/a.zip",
            "frames/u1/v10.zip",
        ];
        assert_eq!(
            deleted.unwanted_objects(listed.map(str::to_owned).into()),
            ["uploads/u1/v1", "frames/u1/v1.zip", "frames/u1/v1/a.zip"]
        );
    }

    const LEASE: Duration = Duration::minutes(1);

    fn begun(video: &Video, attempt: &str, minutes: i64) -> Video {
        match video.begin(&video.job(), attempt, LEASE, at(minutes)) {
            Begin::Go(begun) => *begun,
            other => panic!("{other:?}"),
        }
    }

    fn done(video: &Video) -> Video {
        let extraction = Extraction {
            frames: 1,
            previews: true,
            ..Extraction::default()
        };
        video.ended(Ok(extraction), at(10)).published(at(10))
    }

    #[test]
    fn zips_that_nobody_wants_are_removed_after_a_day() {
        let queued = video(Status::Queued);
        let first = begun(&queued, "a1", 0);
        let one = done(&first);
        assert_eq!(one.zip_key(), "frames/u1/v1/a1.zip");
        assert_eq!(one.unfinished(), None, "there is no other");
        let again = done(&begun(&one.retried(at(10)).expect("a retry"), "a2", 10));
        let late = done(&begun(&first, "a2", 2));
        let released = first.released(Release::Faulted, at(1));
        let after_a_fault = done(&begun(&released, "a2", 1));
        for video in [&again, &late, &after_a_fault] {
            assert_eq!(video.zip_key(), "frames/u1/v1/a2.zip");
            assert_eq!(video.stale(THRESHOLDS, at(24 * 60 + 9)), None);
            let Some(Stale::NotRemoved(settled)) = video.stale(THRESHOLDS, at(24 * 60 + 10)) else {
                panic!("another may be there")
            };
            assert_eq!(settled.unfinished(), None);
            let listed = ["a1.zip", "a1/poster.jpg", "a2.zip", "a2/storyboard.vtt"];
            let listed = listed.map(|name| format!("frames/u1/v1/{name}"));
            assert_eq!(
                video.unwanted_objects(listed.into()),
                ["frames/u1/v1/a1.zip", "frames/u1/v1/a1/poster.jpg"]
            );
        }
        // A video that has failed has no zip; who was at work when an operator said so may store one.
        let failed = first.failed("no", at(1)).published(at(1));
        assert_eq!(failed.unfinished(), Some(Unfinished::Removal));
        let own = first.ended(Err("no".to_owned()), at(1)).published(at(1));
        assert_eq!(own.unfinished(), None);
    }
}
