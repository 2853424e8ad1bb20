//! Being told how far an extraction is, and stopping it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Follows an extraction.
#[async_trait]
pub trait ProgressListener: Send + Sync {
    /// Called once a second from the start, also while no frame comes, so that a lease can be
    /// kept. `Err` stops the extraction: ffmpeg is killed and the sink aborted.
    async fn on_progress(&self, progress: Progress) -> Result<(), Cancelled>;
}

/// How far an extraction is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// Share of the video's duration that is done, 0 to 100; `None` where the duration is unknown.
    pub percent: Option<u8>,
    /// Frames written so far.
    pub frames: u64,
    /// The last frame's time in seconds from the video's start.
    pub seconds: f64,
    /// Bytes of the video read so far; 0 while ffmpeg itself reads a local file.
    pub bytes_read: u64,
    /// Bytes of the zip written so far.
    pub bytes_written: u64,
}

/// The listener's wish to cancel, and why.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Cancelled(pub String);

/// A listener that takes no notice.
#[derive(Clone, Copy, Debug, Default)]
pub struct IgnoreProgress;

#[async_trait]
impl ProgressListener for IgnoreProgress {
    async fn on_progress(&self, _: Progress) -> Result<(), Cancelled> {
        Ok(())
    }
}
