//! What an index says, once it has been read and checked.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::sample_entry::Codec;
use super::samples::Sample;

/// The most bytes that an index may have: a day of video has some 30 MiB.
pub(super) const MAX_BYTES: u64 = 32 << 20;

/// The first video track of an mp4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// How its samples are coded.
    pub(crate) codec: Codec,
    /// Ticks of media time in a second.
    pub(crate) timescale: u32,
    /// Every sample, in decoding order.
    pub(crate) samples: Vec<Sample>,
    /// The part of media time that is shown.
    pub(crate) presentation_range: PresentationRange,
    /// Ticks to add to media time for the player's clock.
    pub(crate) clock_offset: i64,
    /// What a decoder must be told before the first sample.
    pub(crate) init: InitBoxes,
    /// Playing time as the movie header has it, in milliseconds.
    pub(crate) duration_ms: u64,
}

/// The part of media time that an edit list shows, in ticks; all of it where there is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PresentationRange {
    /// The first moment shown.
    pub(crate) start: i64,
    /// The first moment no longer shown.
    pub(crate) end: i64,
}

impl PresentationRange {
    /// Media time without an edit list.
    pub(crate) const ALL: Self = Self {
        start: i64::MIN,
        end: i64::MAX,
    };

    /// Whether a frame at `pts` is shown.
    #[must_use]
    pub(crate) const fn contains(&self, pts: i64) -> bool {
        self.start <= pts && pts < self.end
    }
}

/// Boxes of the original that go into a synthetic file as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InitBoxes {
    /// `ftyp`, empty where the file has none.
    pub(crate) ftyp: Bytes,
    /// `mvhd`: a rotation of everything.
    pub(crate) mvhd: Bytes,
    /// The track's number.
    pub(crate) track: u32,
    /// `tkhd`: size and rotation.
    pub(crate) tkhd: Bytes,
    /// `stsd`: the codec's parameters, colours and pixel aspect.
    pub(crate) stsd: Bytes,
}
