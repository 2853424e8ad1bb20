//! The world before an event: `<case>.given.json` beside it.

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
    /// What the extraction of a video gives: percentages on the way, then the number of frames.
    pub extraction: Option<Extracted>,
    /// Ports told to fail, by the first word of the line that they write.
    pub fail: BTreeMap<String, Failure>,
}

/// What an extraction is to give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extracted {
    /// Percentages reported on the way.
    #[serde(default)]
    pub percents: Vec<u8>,
    /// Frames in the end.
    pub frames: u64,
}

/// How a port fails.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The user's fault, in these words, with 422.
    Rejected(String),
    /// For good.
    Permanent(String),
    /// For now.
    Transient(String),
}

impl From<&Failure> for Error {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Rejected(detail) => Self::unprocessable(detail.clone()),
            Failure::Permanent(why) => Self::permanent(why),
            Failure::Transient(why) => Self::transient(why),
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
    let job = Job::from_body(&given.to_string())
        .expect("a record has a job's fields")
        .remove(0);
    let mut whole = serde_json::to_value(Video::new(&job, now)).expect("a record is JSON");
    if let (Some(whole), Some(given)) = (whole.as_object_mut(), given.as_object()) {
        whole.extend(given.clone());
    }
    serde_json::from_value(whole).expect("a record with what is given")
}
