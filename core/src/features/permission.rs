//! What a feature may touch.

/// A thing that a feature may touch, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Reads records of the status table.
    ReadVideos,
    /// Writes records of the status table.
    WriteVideos,
    /// Reads uploads.
    ReadUploads,
    /// Writes uploads.
    WriteUploads,
    /// Reads zips of frames.
    ReadFrames,
    /// Writes zips of frames.
    WriteFrames,
    /// Sends to the processor's queue or its dead-letter queue.
    SendJobs,
    /// Publishes to the topic.
    Publish,
    /// Sends mail.
    SendMail,
    /// Asks the identity provider.
    Identity,
}
