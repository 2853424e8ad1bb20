//! How an extraction can end without a zip.

use thiserror::Error;

use crate::io::sink::SinkError;
use crate::io::source::SourceError;
use crate::progress::Cancelled;
use crate::reason::Reason;

/// How an extraction can end without a zip, by what the caller does next.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtractError {
    /// The video's fault: tell its owner, never try again.
    #[error("{0}")]
    Video(Reason),
    /// What was asked for makes no sense: the caller's fault.
    #[error("{0}")]
    Options(String),
    /// The video could not be read: try again, unless it is gone.
    #[error(transparent)]
    Source(SourceError),
    /// The zip could not be written: try again.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The listener wished so.
    #[error("stopped: {0}")]
    Cancelled(Cancelled),
    /// This machine's fault (no ffmpeg, no memory): try again, best elsewhere.
    #[error("{0}")]
    Machine(String),
}

impl From<Reason> for ExtractError {
    fn from(reason: Reason) -> Self {
        Self::Video(reason)
    }
}

impl From<SourceError> for ExtractError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Changed => Self::Video(Reason::Changed),
            other => Self::Source(other),
        }
    }
}
