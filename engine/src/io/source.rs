//! Where a video's bytes come from.

use std::ops::Range;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

/// One video, pinned: every read sees the same bytes, or fails with [`SourceError::Changed`].
///
/// Reads are asked for concurrently. An implementation retries what is worth retrying (a lost
/// connection, a throttled request) before it answers [`SourceError::Transient`].
#[async_trait]
pub trait Source: Send + Sync {
    /// The video's size in bytes, known since it was opened.
    fn len(&self) -> u64;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of `range`, all of them: never fewer. `range` lies within [`len`](Self::len).
    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError>;

    /// A local file with the same bytes, which ffmpeg may then open itself.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// Whether the object is still the one that was opened; asked once, when ffmpeg has read a
    /// local file itself.
    async fn verify(&self) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Why bytes could not be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceError {
    /// The object is no longer the one that was opened.
    #[error("the video was replaced while it was being read")]
    Changed,
    /// The object is no longer there.
    #[error("the video is no longer there")]
    Gone,
    /// The reading failed, and may succeed another time.
    #[error("the video could not be read: {0}")]
    Transient(String),
}
