//! Why a video cannot be read by its index.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::io::source::SourceError;

/// Why a video cannot be read by its index, and is read another way.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum IndexUnusable {
    /// Another container.
    #[error("not an mp4, QuickTime, Matroska or WebM file")]
    NotMp4,
    /// No `moov` where one should be.
    #[error("the file has no index")]
    NoIndex,
    /// The index is larger than is worth reading.
    #[error("the index is too large")]
    TooLarge,
    /// The samples are in fragments that do not say where they are.
    #[error("the file is fragmented, and does not say where its samples are")]
    Fragmented,
    /// So many fragments that outcome their samples costs as much as reading all.
    #[error("the file has too many fragments")]
    ManyFragments,
    /// The movie header is compressed.
    #[error("the index is compressed")]
    Compressed,
    /// No track that says it is video.
    #[error("the index lists no video track")]
    NoVideo,
    /// Another stream may come before the video.
    #[error("it is not clear which stream is the video")]
    Unclear,
    /// A box or table contradicts itself or another.
    #[error("the index is inconsistent ({what})")]
    Inconsistent {
        /// The box or the table.
        what: String,
    },
    /// The samples are protected.
    #[error("the video is encrypted")]
    Encrypted,
    /// More than one sample description.
    #[error("the coding changes on the way")]
    SeveralCodings,
    /// A codec that is not known to decode the same from its samples alone.
    #[error("the codec {fourcc} is not one read by its index")]
    Codec {
        /// The sample entry's four characters.
        fourcc: String,
    },
    /// The bytes are in another file.
    #[error("the samples are in another file")]
    Elsewhere,
    /// Samples that lie outside of the file.
    #[error("the index points past the end of the file")]
    OutOfRange,
    /// Samples that are not in the order of decoding.
    #[error("the samples are not in order")]
    OutOfOrder,
    /// An edit list that does more than cut the ends.
    #[error("the edit list is not a simple one")]
    Edits,
    /// No sample to start decoding at.
    #[error("there is no keyframe to start at")]
    NoKeyframe,
    /// Something of which it is not known that frames had one by one are shown the same way.
    #[error("the file has something that is not read by its index ({what})")]
    Unsupported {
        /// What it is, by the container's own name.
        what: String,
    },
    /// Decoding can start anywhere, after a while (intra refresh).
    #[error("the keyframes are spread over several frames")]
    IntraRefresh,
}

impl IndexUnusable {
    /// A stable word for metrics, in snake case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotMp4 => "not_mp4",
            Self::NoIndex => "no_index",
            Self::TooLarge => "too_large",
            Self::Fragmented => "fragmented",
            Self::ManyFragments => "many_fragments",
            Self::Compressed => "compressed",
            Self::NoVideo => "no_video",
            Self::Unclear => "unclear",
            Self::Inconsistent { .. } => "inconsistent",
            Self::Encrypted => "encrypted",
            Self::SeveralCodings => "several_codings",
            Self::Codec { .. } => "codec",
            Self::Elsewhere => "elsewhere",
            Self::OutOfRange => "out_of_range",
            Self::OutOfOrder => "out_of_order",
            Self::Edits => "edits",
            Self::NoKeyframe => "no_keyframe",
            Self::Unsupported { .. } => "unsupported",
            Self::IntraRefresh => "intra_refresh",
        }
    }

    /// An inconsistency in the box or table called `what`.
    pub(crate) fn inconsistent(what: impl Into<String>) -> Self {
        Self::Inconsistent { what: what.into() }
    }
}

/// Why no index was had: the file's fault, or the source's.
#[derive(Debug)]
pub(crate) enum IndexError {
    /// The file has none that can be used.
    Unusable(IndexUnusable),
    /// It could not be read.
    Source(SourceError),
}

impl From<IndexUnusable> for IndexError {
    fn from(unusable: IndexUnusable) -> Self {
        Self::Unusable(unusable)
    }
}

impl From<SourceError> for IndexError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}
