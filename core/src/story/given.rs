//! The world before an event, and how it behaves: `<case>.given.json` beside the event.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::domain::{Job, Video};

/// What is given before an event comes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Given {
    /// Records: a job's fields, and whatever else of a record differs from a new one.
    pub videos: Vec<Value>,
    /// Objects: key and length in bytes; each has the entity tag `"etag"`.
    pub objects: BTreeMap<String, u64>,
    /// Uploads in parts that have begun: the key of each, and the length of each part that is there. The
    /// parts have the entity tags `"part-1"` and so on.
    pub parts: BTreeMap<String, BTreeMap<u32, u64>>,
    /// What the extraction of a video gives: percentages on the way, then the number of frames.
    pub extraction: Option<Extracted>,
    /// Calls that are to fail, by the first words of the line that they write: `publish`,
    /// `update progress`. Reads, which write no line when they succeed, are `get`, `list`,
    /// `list-unfinished`, `list-objects` and `head`.
    pub fail: BTreeMap<String, Failure>,
    /// The mail server takes each mail and never says so.
    pub mail_unanswered: bool,
    /// Whoever logs in has a temporary password.
    pub password_is_temporary: bool,
    /// How many writes to a record find that somebody else was faster.
    pub conflicts: u32,
    /// What whoever was faster has changed in the record, field by field.
    pub conflict_leaves: serde_json::Map<String, Value>,
    /// How many seconds a call takes, by the first words of its line; others take no time.
    pub takes_s: BTreeMap<String, i64>,
}

/// What an extraction is to give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extracted {
    /// Percentages reported on the way.
    #[serde(default)]
    pub percents: Vec<u8>,
    /// How many seconds pass before each of them, and before the end.
    #[serde(default)]
    pub step_s: i64,
    /// Whether the user deletes the video meanwhile.
    #[serde(default)]
    pub deleted: bool,
    /// Frames in the end.
    pub frames: u64,
    /// What is wrong with the video all the same.
    #[serde(default)]
    pub warning: Option<String>,
    /// Nothing but this fault of a sound machine, instead of frames.
    #[serde(default)]
    pub too_much: Option<String>,
}

/// How a call fails.
#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    /// With which error.
    #[serde(flatten)]
    pub error: FailureKind,
    /// How many calls of the kind succeed before.
    #[serde(default)]
    pub after: u32,
    /// How many fail; all by default.
    pub times: Option<u32>,
    /// Whether a write to a record is done all the same, and only its answer lost.
    #[serde(default)]
    pub done: bool,
}

/// The error of a call, by its class.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The user's fault, in these words, with 422.
    Rejected(String),
    /// For good.
    Permanent(String),
    /// For now.
    Transient(String),
    /// Until an operator has mended something.
    Operational(String),
}

impl From<&FailureKind> for Error {
    fn from(failure: &FailureKind) -> Self {
        match failure {
            FailureKind::Rejected(detail) => Self::unprocessable(detail),
            FailureKind::Permanent(why) => Self::permanent(why),
            FailureKind::Transient(why) => Self::transient(why),
            FailureKind::Operational(why) => Self::operational(why),
        }
    }
}

impl Given {
    /// The given records, whole.
    ///
    /// # Panics
    /// When a record is none; the case is wrong then.
    #[must_use]
    pub fn records(&self, now: DateTime<Utc>) -> Vec<Video> {
        self.videos.iter().map(|given| record(given, now)).collect()
    }
}

fn record(given: &Value, now: DateTime<Utc>) -> Video {
    let job = Job::from_json(&given.to_string()).expect("a record has a job's fields");
    let mut whole = serde_json::to_value(Video::new(&job, now)).expect("a record is JSON");
    if let (Some(whole), Some(given)) = (whole.as_object_mut(), given.as_object()) {
        whole.extend(given.clone());
    }
    serde_json::from_value(whole).expect("a record with what is given")
}
