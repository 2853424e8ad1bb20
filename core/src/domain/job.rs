//! The *job*: what the queue carries.

use aws_lambda_events::s3::S3EventRecord;
use serde::{Deserialize, Serialize};

use super::{every, keys};
use crate::feature::{lift, s3_key};
use crate::{Error, Result};

/// Which frame stands for a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The frame that is shown then.
    #[default]
    Exact,
    /// The keyframe at or before it: much cheaper to get at.
    Keyframe,
}

impl Mode {
    /// The mode of this name.
    ///
    /// # Errors
    /// A sentence that says which there are.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        match text {
            "exact" => Ok(Self::Exact),
            "keyframe" => Ok(Self::Keyframe),
            _ => Err("mode is exact or keyframe".to_owned()),
        }
    }
}

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
    /// The interval between frames, in milliseconds.
    #[serde(default = "every::default_ms")]
    pub every_ms: u64,
    /// Which frame stands for a moment.
    #[serde(default)]
    pub mode: Mode,
    /// The entity tag of the object that was checked; the video must still have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl Job {
    /// The jobs in a message's body: a job as it is, or an S3 event notification, plain or in
    /// an SNS envelope. `s3:TestEvent` and events that bring no object hold none.
    ///
    /// # Errors
    /// [`Error::Permanent`] when the body is none of these: no retry can help.
    pub fn from_body(body: &str) -> Result<Vec<Self>> {
        if let Some(event) = lift::s3_event(body)? {
            return event
                .records
                .iter()
                .filter(|r| brings_object(r))
                .map(Self::from_s3)
                .collect();
        }
        let body = lift::unwrap_sns(body);
        let job: Self = serde_json::from_str(&body)
            .map_err(|error| Error::permanent(format!("the message is not a job: {error}")))?;
        job.checked().map(|job| vec![job])
    }

    fn from_s3(record: &S3EventRecord) -> Result<Self> {
        let key = s3_key(record)?;
        let (user_id, video_id) = keys::parse_upload(&key)?;
        Ok(Self {
            video_id: video_id.to_owned(),
            user_id: user_id.to_owned(),
            email: None,
            every_ms: every::DEFAULT_MS,
            mode: Mode::default(),
            // An event may be late: what counts is the object that is there now.
            etag: None,
            key,
        })
    }

    fn checked(mut self) -> Result<Self> {
        keys::check_id("video_id", &self.video_id)?;
        keys::check_id("user_id", &self.user_id)?;
        every::check_ms(self.every_ms).map_err(Error::permanent)?;
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

/// Whether an S3 event says that an object is there now.
fn brings_object(record: &S3EventRecord) -> bool {
    record
        .event_name
        .as_deref()
        .is_some_and(|name| name.trim_start_matches("s3:").starts_with("ObjectCreated:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_needs_only_ids() {
        let jobs = Job::from_body(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
        assert_eq!(jobs[0].key, "uploads/u1/v1");
        assert_eq!(jobs[0].every_ms, 1_000);
    }

    #[test]
    fn s3_events_are_jobs_plain_or_in_an_envelope() {
        let event = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},
            "object":{"key":"uploads/u1/caf%C3%A9+1.mp4","size":1,"eTag":"abc"}}}]}"#;
        let envelope = serde_json::json!({
            "Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": event
        });
        for body in [event.to_owned(), envelope.to_string()] {
            let jobs = Job::from_body(&body).expect("jobs");
            assert_eq!(jobs[0].video_id, "café 1.mp4");
            assert_eq!(jobs[0].key, "uploads/u1/café 1.mp4");
        }
    }

    #[test]
    fn a_test_event_and_a_removal_hold_no_job() {
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(Job::from_body(test), Ok(vec![]));
        let removal = r#"{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"bucket":{},
            "object":{"key":"uploads/u1/v1"}}}]}"#;
        assert_eq!(Job::from_body(removal), Ok(vec![]));
    }

    #[test]
    fn what_is_no_job_is_gone_for_good() {
        for body in [
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
            r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{},"object":{"key":"x"}}}]}"#,
        ] {
            assert!(
                matches!(Job::from_body(body), Err(Error::Permanent(_))),
                "{body}"
            );
        }
    }
}
