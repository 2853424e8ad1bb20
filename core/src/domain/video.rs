//! A *video* and its life: what may follow from what. Pure; time and ids come as arguments.
//!
//! ```text
//! awaiting_upload -> queued -> processing -> done
//!                       ^           |   \-> failed
//!                       +-- retry --+
//! ```
//!
//! Each function takes the record as it is and gives the record as it should be, or says why
//! not. Whoever stores it does so only if nobody else has changed it meanwhile.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::parts::{PartPlan, UploadParts};
use super::{
    Attempt, Delivery, Extraction, ExtractionOptions, Job, Unfinished, Wait, is_default, keys,
};

/// Where a video is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Registered; the file is not there yet, or not checked.
    AwaitingUpload,
    /// The job is in the queue.
    Queued,
    /// An attempt works on it.
    Processing,
    /// The zip is there.
    Done,
    /// It will not be done; the reason is on the record.
    Failed,
}

impl Status {
    /// The word for it in JSON, in the table and in metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AwaitingUpload => "awaiting_upload",
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether only an explicit retry leaves it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// The record of one video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// A `UUIDv7` made by the server, or what a hand-written job says.
    pub video_id: String,
    /// Whose it is.
    pub user_id: String,
    /// The upload's key.
    pub key: String,
    /// The name that the user's file had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The length that was announced, or found, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The entity tag of the checked object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// How it is uploaded in parts, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<UploadParts>,
    /// Where the outcome is mailed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What is asked of the extraction.
    #[serde(flatten)]
    pub options: ExtractionOptions,
    /// Where it is in its life.
    pub status: Status,
    /// The attempt that has the lease, while processing; the one that ended it, after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// How often the user has asked for a retry. What belongs to an earlier round is void.
    #[serde(default)]
    pub round: u32,
    /// How many attempts were told to stop before they could finish, since it was last queued.
    #[serde(default)]
    pub stopped_attempts: u32,
    /// The newest message with its job that waits for the end of the attempt at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_job: Option<Wait>,
    /// How many attempts ended because the video was too much for a machine that is sound, since it was
    /// last queued.
    #[serde(default, alias = "lost")]
    pub aborted_attempts: u32,
    /// The attempts that did not give their lease back, since it was last queued. One that turns out to
    /// have ended in order, where only the record could not be told, is taken from the list again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreleased_attempts: Vec<String>,
    /// How often the sweep sent its job, or published its outcome, again since it last got further.
    #[serde(default, alias = "swept")]
    pub resends: u32,
    /// Whether the queue has not yet said that it has taken the job: it may have, or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsent: bool,
    /// How often its job was sent again because its user asked, since it was last queued.
    #[serde(default, skip_serializing_if = "is_default")]
    pub asked_resends: u32,
    /// Where the newest zip is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip_key: Option<String>,
    /// Where the poster made with it is, a JPEG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster_key: Option<String>,
    /// Where the storyboard made with it is: a `WebVTT` that names the parts of a picture beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storyboard_key: Option<String>,
    /// Whether there may be objects that nobody wants: zips beside that one, as an attempt that did not end
    /// the video may have stored one, and an earlier round has; whatever a deleted video left.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stray_objects: bool,
    /// Frames so far, or in the zip.
    pub frames: u64,
    /// How many moments have a frame in the zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<u64>,
    /// Length of the zip, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip_size: Option<u64>,
    /// The video's playing time in milliseconds, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// How many bytes of the video were read to make the zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_read: Option<u64>,
    /// Percent done.
    pub progress: u8,
    /// Why it failed, for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the user should know of the frames that there are: that the video is damaged, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// What was too much for a sound machine in the last attempt; when the same comes again, it is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub too_much: Option<String>,
    /// Whether the outcome still has to be published: set with the outcome in one write, so
    /// that a crash between the two ends with a publication and not with none.
    #[serde(default)]
    pub unpublished: bool,
    /// The notices whose mail has been sent or is being sent, newest last.
    #[serde(default, alias = "mailings")]
    pub deliveries: Vec<Delivery>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When the record last changed.
    pub updated_at: DateTime<Utc>,
    /// Set when the user deleted it: the record stays as a mark until then, in Unix seconds,
    /// so that a late message does not bring the video back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_until: Option<i64>,
    /// Counts the writes; a write needs the version it was decided on.
    pub version: u64,
}

/// For how long a queued job may not have moved before its user's word sends it again; twice as long each
/// time.
const RESEND_AFTER: Duration = Duration::minutes(1);
/// The same where the queue did not say that it has taken the job.
const RESEND_UNSENT_AFTER: Duration = Duration::seconds(15);
/// After so many times that wait grows no longer.
const MAX_RESEND_DOUBLINGS: u32 = 5;

impl Video {
    /// A record for a job; awaiting its upload.
    #[must_use]
    pub fn new(job: &Job, now: DateTime<Utc>) -> Self {
        Self {
            video_id: job.video_id.clone(),
            user_id: job.user_id.clone(),
            key: job.key.clone(),
            filename: None,
            size: None,
            etag: job.etag.clone(),
            parts: None,
            email: job.email.clone(),
            options: job.options.clone(),
            status: Status::AwaitingUpload,
            attempt: None,
            round: job.round,
            stopped_attempts: 0,
            waiting_job: None,
            aborted_attempts: 0,
            unreleased_attempts: Vec::new(),
            resends: 0,
            unsent: false,
            asked_resends: 0,
            zip_key: None,
            poster_key: None,
            storyboard_key: None,
            stray_objects: false,
            frames: 0,
            moments: None,
            zip_size: None,
            duration_ms: None,
            bytes_read: None,
            progress: 0,
            reason: None,
            warning: None,
            too_much: None,
            unpublished: false,
            deliveries: Vec::new(),
            created_at: now,
            updated_at: now,
            deleted_until: None,
            version: 0,
        }
    }

    /// The job that this record stands for.
    #[must_use]
    pub fn job(&self) -> Job {
        Job {
            video_id: self.video_id.clone(),
            user_id: self.user_id.clone(),
            key: self.key.clone(),
            email: self.email.clone(),
            options: self.options.clone(),
            etag: self.etag.clone(),
            round: self.round,
            registered: true,
            postponements: 0,
            released_attempts: Vec::new(),
            waits_for: None,
        }
    }

    /// Where the zip of a video that is done is.
    #[must_use]
    pub fn zip_key(&self) -> String {
        let only = || keys::only_zip(&self.user_id, &self.video_id);
        self.zip_key.clone().unwrap_or_else(only)
    }

    /// Whatever this attempt may have stored.
    #[must_use]
    pub fn objects_of(&self, attempt: &str) -> Vec<String> {
        let zip = self.zip_key_of(attempt);
        let previews = [keys::POSTER, keys::STORYBOARD, keys::STORYBOARD_CUES];
        let previews = previews.map(|name| keys::beside_zip(&zip, name));
        previews.into_iter().chain([zip]).collect()
    }

    /// Where this attempt puts the zip.
    #[must_use]
    pub fn zip_key_of(&self, attempt: &str) -> String {
        keys::zip(&self.user_id, &self.video_id, attempt)
    }

    /// What the keys of all its zips begin with; perhaps those of others, too.
    #[must_use]
    pub fn zips_prefix(&self) -> String {
        keys::zips(&self.user_id, &self.video_id)
    }

    /// Which objects are of no use any more, where these keys are all that begin with
    /// [`zips_prefix`](Self::zips_prefix): whatever there may be of a video that was deleted, and all
    /// zips but the one of a video that is done, with the previews beside each. The keys must have been listed before the record was
    /// read: an attempt that is at work does not find its zip among them then.
    #[must_use]
    pub fn unwanted_objects(&self, listed: Vec<String>) -> Vec<String> {
        let wanted = (self.status == Status::Done && !self.is_deleted()).then(|| self.zip_key());
        let beside = wanted.as_deref().map(|zip| keys::beside_zip(zip, ""));
        let is_wanted = |key: &String| {
            Some(key) == wanted.as_ref()
                || beside
                    .as_ref()
                    .is_some_and(|folder| key.starts_with(folder))
        };
        let upload = self.is_deleted().then(|| self.key.clone());
        let zips = listed
            .into_iter()
            .filter(|key| keys::is_zip_of(key, &self.user_id, &self.video_id) && !is_wanted(key));
        upload.into_iter().chain(zips).collect()
    }

    /// How its file is divided, if it comes in parts.
    #[must_use]
    pub fn part_plan(&self) -> Option<PartPlan> {
        Some(PartPlan {
            size: self.size?,
            part_size: self.parts.as_ref()?.part_size,
        })
    }

    /// What the user would call it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.filename.as_deref().unwrap_or(&self.video_id)
    }

    /// Whether the user deleted it.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted_until.is_some()
    }

    /// What is still to be done, if anything is.
    #[must_use]
    pub fn unfinished(&self) -> Option<Unfinished> {
        if self.is_deleted() {
            return self.stray_objects.then_some(Unfinished::Removal);
        }
        match self.status {
            Status::AwaitingUpload => Some(Unfinished::Upload),
            Status::Queued | Status::Processing => Some(Unfinished::Job),
            Status::Done | Status::Failed if self.unpublished => Some(Unfinished::Job),
            Status::Done | Status::Failed if self.awaits_delivery() => Some(Unfinished::Delivery),
            Status::Done | Status::Failed => self.stray_objects.then_some(Unfinished::Removal),
        }
    }

    pub(super) fn next_version(&self, now: DateTime<Utc>) -> Self {
        Self {
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// The upload is there and checked, and the job is to be sent. `None`: that was known already.
    #[must_use]
    pub fn uploaded(&self, size: u64, etag: &str, now: DateTime<Utc>) -> Option<Self> {
        (self.status == Status::AwaitingUpload && !self.is_deleted()).then(|| Self {
            status: Status::Queued,
            unsent: true,
            size: Some(size),
            etag: Some(etag.to_owned()),
            parts: None,
            ..self.next_version(now)
        })
    }

    /// Its job is to be sent again, because its user asks for it and nothing has moved for a while, a
    /// longer one each time. `None`: it is not queued, or not for that long.
    #[must_use]
    pub fn job_resent(&self, now: DateTime<Utc>) -> Option<Self> {
        let first = if self.unsent {
            RESEND_UNSENT_AFTER
        } else {
            RESEND_AFTER
        };
        let after = first * (1 << self.asked_resends.min(MAX_RESEND_DOUBLINGS));
        (self.is_queued() && now - self.updated_at >= after).then(|| Self {
            unsent: true,
            asked_resends: self.asked_resends + 1,
            ..self.next_version(now)
        })
    }

    /// The queue has taken the job. `None`: that is known, or somebody has begun with it already.
    #[must_use]
    pub fn job_sent(&self, now: DateTime<Utc>) -> Option<Self> {
        (self.is_queued() && self.unsent).then(|| Self {
            unsent: false,
            ..self.next_version(now)
        })
    }

    fn is_queued(&self) -> bool {
        self.status == Status::Queued && !self.is_deleted()
    }

    /// An explicit retry, which begins a new round. `None`: it is not in an end state.
    #[must_use]
    pub fn retried(&self, now: DateTime<Utc>) -> Option<Self> {
        (self.status.is_terminal() && !self.is_deleted()).then(|| Self {
            status: Status::Queued,
            // The file may have been sent anew; the next attempt pins what is there then.
            etag: None,
            attempt: None,
            round: self.round + 1,
            stray_objects: self.stray_objects || self.status == Status::Done,
            stopped_attempts: 0,
            waiting_job: None,
            aborted_attempts: 0,
            unreleased_attempts: Vec::new(),
            resends: 0,
            unsent: true,
            asked_resends: 0,
            frames: 0,
            moments: None,
            zip_size: None,
            duration_ms: None,
            bytes_read: None,
            progress: 0,
            reason: None,
            warning: None,
            too_much: None,
            unpublished: false,
            ..self.next_version(now)
        })
    }

    /// It has failed by the word of somebody else than an attempt, and that is still to be published. An
    /// attempt that is at work, or was cut off, may have stored a zip, or do so yet.
    #[must_use]
    pub fn failed(&self, reason: &str, now: DateTime<Utc>) -> Self {
        Self {
            stray_objects: self.stray_objects || self.attempt.is_some(),
            ..self.ended(Err(reason.to_owned()), now)
        }
    }

    /// It has ended by the word of its attempt, with frames or with a reason, and that is still to be
    /// published.
    #[must_use]
    pub fn ended(&self, outcome: Result<Extraction, String>, now: DateTime<Utc>) -> Self {
        // What ended it without an attempt gets an id too: it tells this end from the next.
        let attempt = self.attempt.clone().unwrap_or_else(|| Attempt {
            id: format!("{}-{}", self.video_id, self.version + 1),
            lease_until: now,
        });
        let zip_key = self.zip_key_of(&attempt.id);
        let next = Self {
            attempt: Some(attempt),
            waiting_job: None,
            resends: 0,
            unsent: false,
            asked_resends: 0,
            unpublished: true,
            ..self.next_version(now)
        };
        match outcome {
            Ok(extraction) => Self {
                status: Status::Done,
                poster_key: extraction
                    .previews
                    .then(|| keys::beside_zip(&zip_key, keys::POSTER)),
                storyboard_key: extraction
                    .previews
                    .then(|| keys::beside_zip(&zip_key, keys::STORYBOARD_CUES)),
                zip_key: Some(zip_key),
                frames: extraction.frames,
                moments: Some(extraction.moments),
                zip_size: Some(extraction.zip_bytes),
                duration_ms: extraction.duration.map(milliseconds),
                bytes_read: Some(extraction.bytes_read),
                progress: 100,
                reason: None,
                warning: extraction.warning,
                too_much: None,
                ..next
            },
            Err(reason) => Self {
                status: Status::Failed,
                reason: Some(reason),
                ..next
            },
        }
    }

    /// Its owner calls it by another name. `None`: that is its name.
    #[must_use]
    pub fn renamed(&self, filename: &str, now: DateTime<Utc>) -> Option<Self> {
        (self.filename.as_deref() != Some(filename)).then(|| Self {
            filename: Some(filename.to_owned()),
            ..self.next_version(now)
        })
    }

    /// The outcome has been published.
    #[must_use]
    pub fn published(&self, now: DateTime<Utc>) -> Self {
        Self {
            unpublished: false,
            ..self.next_version(now)
        }
    }

    /// The user does not want it any more; the mark stays for `tombstone`.
    #[must_use]
    pub fn deleted(&self, tombstone: Duration, now: DateTime<Utc>) -> Self {
        Self {
            deleted_until: Some((now + tombstone).timestamp()),
            stray_objects: true,
            unpublished: false,
            unsent: false,
            ..self.next_version(now)
        }
    }

    /// What is of no use any more is gone, and nobody can put it any longer: all objects of a video that
    /// was deleted, and zips that nobody wants.
    #[must_use]
    pub fn with_objects_removed(&self, now: DateTime<Utc>) -> Self {
        Self {
            stray_objects: false,
            ..self.next_version(now)
        }
    }
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "video_tests.rs"]
pub(super) mod tests;
