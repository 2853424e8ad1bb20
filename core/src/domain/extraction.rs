//! An *extraction*: what is asked of the frame extractor, how far it is, and what it gave.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "exact" => Ok(Self::Exact),
            "keyframe" => Ok(Self::Keyframe),
            _ => Err("mode is exact or keyframe".to_owned()),
        }
    }
}

/// What is to be extracted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractionRequest {
    /// The video's key.
    pub key: String,
    /// The entity tag that the video must have while it is read.
    pub etag: String,
    /// The zip's key.
    pub zip_key: String,
    /// The interval between frames, in milliseconds.
    pub every_ms: u64,
    /// Which frame stands for a moment.
    pub mode: Mode,
    /// The time that the zip's entries carry, so that the same job gives the same bytes.
    pub modified: DateTime<Utc>,
}

/// How far an extraction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Share of the video's time that is done, 0 to 100; `None` while unknown.
    pub percent: Option<u8>,
    /// Frames so far.
    pub frames: u64,
}

/// What an extraction gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extraction {
    /// How many frames are in the zip.
    pub frames: u64,
    /// Length of the zip, in bytes.
    pub zip_bytes: u64,
}
