//! An *extraction*: what is asked of the frame extractor, how far it is, and what it gave.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::ExtractionOptions;

/// What is to be extracted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractionRequest {
    /// The video's key.
    pub key: String,
    /// The entity tag that the video must have while it is read.
    pub etag: String,
    /// The zip's key.
    pub zip_key: String,
    /// What is asked of it.
    pub options: ExtractionOptions,
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extraction {
    /// How many frames are in the zip.
    pub frames: u64,
    /// How many moments have a frame there: several may have the same.
    pub moments: u64,
    /// The video's playing time, where it is known.
    pub duration: Option<Duration>,
    /// How many bytes of the video were read.
    pub bytes_read: u64,
    /// Length of the zip, in bytes.
    pub zip_bytes: u64,
    /// What its user should know of it: that the video is damaged, and how.
    pub warning: Option<String>,
    /// Whether a poster and a storyboard were stored beside the zip.
    pub previews: bool,
}
