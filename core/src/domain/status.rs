//! Where a video is in its life.

use serde::{Deserialize, Serialize};

/// Where a video is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Registered; the file is not there yet, or not checked.
    AwaitingUpload,
    /// The job is in the queue.
    Queued,
    /// An attempt holds it.
    Processing,
    /// The zip is there.
    Done,
    /// It will not be done; the reason is on the record.
    Failed,
}

impl Status {
    /// The design's word for it.
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
