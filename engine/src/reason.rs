//! Why a video gives no frames, in words for its owner.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a video gives no frames. It is the video's fault, or its size's: another attempt ends
/// the same way.
///
/// `Display` is a sentence for the video's owner; [`code`](Self::code) is for programs.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The file has no bytes.
    #[error("The file is empty.")]
    Empty,
    /// No known video format.
    #[error("The file is not a video in a format we know.")]
    NotVideo,
    /// A media file with sound only.
    #[error("The file has no video in it, only sound or other data.")]
    NoVideoStream,
    /// A video of which no frame could be shown.
    #[error("No frame could be found in the video.")]
    NoFrames,
    /// Cut off or broken. `frames` is how many could be had.
    #[error("The video is damaged or incomplete ({detail}); {frames} of its frames could be read.")]
    Damaged {
        /// What is wrong, in ffmpeg's words.
        detail: String,
        /// How many frames could be had nevertheless.
        frames: u64,
    },
    /// Protected by encryption.
    #[error("The video is encrypted (copy-protected).")]
    Encrypted,
    /// A container or codec that cannot be decoded.
    #[error("The video's format is not supported: {what}.")]
    Unsupported {
        /// The container or the codec.
        what: String,
    },
    /// More frames than allowed.
    #[error("The video would give more than {limit} frames; choose a longer interval.")]
    TooManyFrames {
        /// The most frames allowed.
        limit: u64,
    },
    /// More bytes than allowed.
    #[error("The file is larger than {limit} bytes.")]
    TooLarge {
        /// The most bytes allowed.
        limit: u64,
    },
    /// Larger pictures than allowed.
    #[error("The video's picture is larger than {limit} pixels.")]
    TooManyPixels {
        /// The most pixels allowed.
        limit: u64,
    },
    /// A longer playing time than allowed.
    #[error("The video is longer than {limit} seconds.")]
    TooLong {
        /// The most seconds allowed.
        limit: u64,
    },
    /// A larger zip than allowed.
    #[error("The frames would take more than {limit} bytes; choose a longer interval.")]
    OutputTooLarge {
        /// The most bytes allowed.
        limit: u64,
    },
    /// More time than allowed.
    #[error("The video took longer than {limit} seconds to process.")]
    TookTooLong {
        /// The most seconds allowed.
        limit: u64,
    },
    /// More processor time than allowed.
    #[error("The video took more than {limit} seconds of processor time.")]
    CpuTime {
        /// The most seconds allowed.
        limit: u64,
    },
    /// More memory than allowed.
    #[error("The video needs more than {limit} bytes of memory to decode.")]
    Memory {
        /// The most bytes allowed.
        limit: u64,
    },
    /// Replaced while it was read.
    #[error("The file was replaced while it was being processed.")]
    Changed,
}

impl Reason {
    /// A stable word for programs, in snake case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotVideo => "not_video",
            Self::NoVideoStream => "no_video_stream",
            Self::NoFrames => "no_frames",
            Self::Damaged { .. } => "damaged",
            Self::Encrypted => "encrypted",
            Self::Unsupported { .. } => "unsupported",
            Self::TooManyFrames { .. } => "too_many_frames",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooLong { .. } => "too_long",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::TookTooLong { .. } => "took_too_long",
            Self::CpuTime { .. } => "cpu_time",
            Self::Memory { .. } => "memory",
            Self::Changed => "changed",
        }
    }
}
