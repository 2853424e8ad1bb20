//! What an index says, once it has been read and checked.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::sample_entry::Codec;
use super::samples::Sample;
use super::track_choice::TrackChoice;

/// The most bytes that an index may have: a day of video has some 30 MiB.
pub(super) const MAX_BYTES: u64 = 32 << 20;

/// The track of video that is shown, of an mp4, or of a Matroska file as if it were one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// How its samples are coded.
    pub(crate) codec: Codec,
    /// Ticks of media time in a second.
    pub(crate) timescale: u32,
    /// Samples, in decoding order: all of them, or those that the wanted frames may depend on.
    pub(crate) samples: Vec<Sample>,
    /// The samples before which others have been left out, ascending; at 0 where the first one is not
    /// the video's first.
    pub(crate) cuts: Vec<u32>,
    /// Bytes that each sample begins with, and that the file leaves out.
    pub(crate) prefix: Bytes,
    /// The part of media time that is shown.
    pub(crate) presentation_range: PresentationRange,
    /// Ticks to add to media time for the player's clock.
    pub(crate) clock_offset: i64,
    /// What a decoder must be told before the first sample.
    pub(crate) init: InitBoxes,
    /// Which of the file's tracks of video it is.
    pub(crate) track: TrackChoice,
    /// Playing time as the movie header has it, in milliseconds.
    pub(crate) duration_ms: u64,
}

impl Index {
    /// Whether samples have been left out before this one.
    pub(crate) fn is_cut_before(&self, sample: u32) -> bool {
        self.cuts.binary_search(&sample).is_ok()
    }
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

impl InitBoxes {
    /// How many lines a picture has, as the sample entry says; 0 where it does not.
    pub(crate) fn lines(&self) -> u32 {
        self.size().1
    }

    /// How many pixels a picture has, as the sample entry says; 0 where it does not.
    pub(crate) fn pixels(&self) -> u64 {
        let (width, height) = self.size();
        u64::from(width) * u64::from(height)
    }

    fn size(&self) -> (u32, u32) {
        // Box headers of `stsd` and its first entry, then 6 + 2 + 16 bytes.
        const AT: usize = 16 + 8 + 6 + 2 + 16;
        let side = |at: usize| {
            let bytes = self.stsd.get(at..at + 2);
            bytes.map_or(0, |side| u32::from(u16::from_be_bytes([side[0], side[1]])))
        };
        (side(AT), side(AT + 2))
    }

    /// The numbers of primaries, transfer and matrix (ITU-T H.273), where a `colr` box says them.
    pub(crate) fn colours(&self) -> Option<[u16; 3]> {
        let kinds: [&[u8]; 2] = [b"colrnclx", b"colrnclc"];
        let at = self
            .stsd
            .windows(8)
            .position(|window| kinds.contains(&window))?;
        let numbers = self.stsd.get(at + 8..at + 14)?;
        let number = |at: usize| u16::from_be_bytes([numbers[at], numbers[at + 1]]);
        Some([number(0), number(2), number(4)])
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
