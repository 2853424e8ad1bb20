//! The *job*: what the queue carries.

use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::{ExtractionOptions, is_default, keys};
use crate::{Error, Result};

/// One video to be turned into a zip of frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The video's id.
    pub video_id: String,
    /// Whose video it is.
    pub user_id: String,
    /// The upload's key; `uploads/<user_id>/<video_id>` unless said otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Where the outcome is mailed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What is asked of the extraction.
    #[serde(flatten)]
    pub options: ExtractionOptions,
    /// The entity tag of the object that was checked; the video must still have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The round of the video that it belongs to: one more at each retry that the user asks for. A job
    /// of an earlier round is void.
    #[serde(default, skip_serializing_if = "is_default")]
    pub round: u32,
    /// Whether it was made from the video's record: without that, the video was deleted long ago.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub registered: bool,
    /// How often it was sent again because of a fault that was not the video's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub postponements: u32,
    /// The last attempts at it that ended in order. Their leases count as given back, even where the
    /// record could not be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released_attempts: Vec<String>,
    /// The attempt for whose end it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Wait>,
}

/// Which of the messages that wait for an attempt's end it is. There is to be one, and each time that
/// it waits again it is a new one: what has an older number is a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The attempt.
    pub attempt: String,
    /// One more each time that the job is sent to wait on.
    pub number: u32,
}

/// The longest wait of a job that was postponed. Short enough that work goes on within minutes of
/// an outage's end, and long enough that many waiting jobs are not a load.
const MAX_POSTPONEMENT: Duration = Duration::minutes(5);
/// Of how many attempts a job says that they ended in order. One is mostly enough; others are those of
/// which nobody knows whether the record ever heard of them.
const MAX_RELEASED: usize = 5;

impl Job {
    /// The job that this JSON stands for; ids alone are a job with the defaults.
    ///
    /// # Errors
    /// [`Error::Permanent`] when it is no job, or one that names what is not its user's.
    pub fn from_json(json: &str) -> Result<Self> {
        let job: Self = serde_json::from_str(json)
            .map_err(|error| Error::permanent(format!("the message is not a job: {error}")))?;
        job.checked()
    }

    /// The job to send again after a fault that was not the video's, and how long it waits: twice as
    /// long each time. It does not use up the receives of a message: a new one takes its place.
    #[must_use]
    pub fn postponed(&self) -> (Self, Duration) {
        let job = Self {
            postponements: self.postponements.saturating_add(1),
            ..self.clone()
        };
        let wait = Duration::seconds(1 << job.postponements.min(16)).min(MAX_POSTPONEMENT);
        (job, wait)
    }

    /// The job to send again when `attempt` at it has ended in order.
    #[must_use]
    pub fn released_by(&self, attempt: &str) -> Self {
        let mut job = self.clone();
        job.released_attempts.push(attempt.to_owned());
        let surplus = job.released_attempts.len().saturating_sub(MAX_RELEASED);
        job.released_attempts.drain(..surplus);
        job
    }

    /// Whether it says that `attempt` has ended in order.
    #[must_use]
    pub fn releases(&self, attempt: &str) -> bool {
        self.released_attempts.iter().any(|id| id == attempt)
    }

    fn checked(mut self) -> Result<Self> {
        keys::check_id("video_id", &self.video_id)?;
        keys::check_id("user_id", &self.user_id)?;
        if self.key.is_empty() {
            self.key = keys::upload(&self.user_id, &self.video_id);
        }
        // Only uploads are read, and only this user's: a job must not hand out another's object.
        let own = format!("uploads/{}/", self.user_id);
        if !self.key.starts_with(&own) || self.key.len() > 1_024 {
            return Err(Error::permanent(format!(
                "the job's key {:?} is not under {own}",
                self.key
            )));
        }
        self.etag = self.etag.filter(|tag| !tag.is_empty());
        self.email = self.email.filter(|email| !email.is_empty());
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_needs_only_ids() {
        let job = Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
        assert_eq!(job.key, "uploads/u1/v1");
        assert_eq!(job.options.every_ms, 1_000);
    }

    #[test]
    fn a_job_that_is_postponed_waits_longer_each_time_and_never_long() {
        let mut job = Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
        let mut waits = Vec::new();
        for _ in 0..40 {
            let wait;
            (job, wait) = job.postponed();
            waits.push(wait.num_seconds());
        }
        assert_eq!(waits[..9], [2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!((waits[39], job.postponements), (300, 40));
    }

    #[test]
    fn a_job_says_of_its_last_attempts_that_they_ended_in_order() {
        let mut job = Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
        for attempt in ["a1", "a2", "a3", "a4", "a5", "a6"] {
            job = job.released_by(attempt);
            assert!(job.releases(attempt));
        }
        assert!(job.releases("a2") && !job.releases("a1"));
    }

    #[test]
    fn what_is_no_job_can_never_be_done() {
        for json in [
            "",
            "null",
            "[]",
            "{",
            "\"x\"",
            "{}",
            r#"{"video_id":"v1"}"#,
            r#"{"video_id":"../x","user_id":"u"}"#,
            r#"{"video_id":"v","user_id":"u","key":"uploads/other/v"}"#,
            r#"{"video_id":"v","user_id":"u","every_ms":0}"#,
        ] {
            assert!(
                matches!(Job::from_json(json), Err(Error::Permanent(_))),
                "{json}"
            );
        }
    }
}
