//! What a container says of itself, where ffmpeg is silent: that it should be longer than it is,
//! and that it is encrypted.

/// What a container says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Structure {
    /// How it is seen that the end is missing.
    pub(crate) truncated: Option<String>,
    /// Whether its video is encrypted.
    pub(crate) encrypted: bool,
}

impl Structure {
    /// Of one that is not encrypted, and whose end is missing if this says so.
    pub(super) fn of_end(truncated: Option<String>) -> Self {
        Self {
            truncated,
            encrypted: false,
        }
    }
}

/// The sentence for a part that should end at `end` in a file of `length` bytes.
pub(super) fn missing_bytes(part: &str, end: u64, length: u64) -> Option<String> {
    (end > length).then(|| format!("{part} should go on for {} more bytes", end - length))
}
