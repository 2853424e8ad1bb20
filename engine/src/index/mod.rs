//! The index of an mp4 or `QuickTime` file: which bytes hold which frame, and when it is shown.
//!
//! Box layouts are those of ISO/IEC 14496-12 (ISO base media file format). What a track means
//! follows ffmpeg's demuxer, because the frames chosen here must be those that it would show.
//! Nothing in a file is believed: every count is held against the bytes that are there before
//! anything is allocated, and whatever is unusual is an [`Unfit`], never a guess.

mod boxes;
mod codec;
mod edits;
mod fragments;
mod locate;
mod open;
mod samples;
mod tables;
mod track;
mod unfit;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use codec::{Codec, Family};
pub use locate::{Step, locate};
pub(crate) use open::open;
pub use samples::Sample;
pub use unfit::Unfit;

/// The most bytes that an index may have: a day of video has some 30 MiB.
pub const MAX_BYTES: u64 = 32 << 20;

/// The most samples that an index may list: 19 hours at 30 frames a second.
pub const MAX_SAMPLES: usize = 1 << 21;

/// The first video track of an mp4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// How its samples are coded.
    pub codec: Codec,
    /// Ticks of media time in a second.
    pub timescale: u32,
    /// Every sample, in decoding order.
    pub samples: Vec<Sample>,
    /// The part of media time that is shown.
    pub window: Window,
    /// What a decoder must be told before the first sample.
    pub init: Init,
    /// Playing time as the movie header has it, in milliseconds.
    pub duration_ms: u64,
}

/// The part of media time that an edit list shows, in ticks; all of it where there is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first moment shown.
    pub start: i64,
    /// The first moment no longer shown.
    pub end: i64,
}

impl Window {
    /// Media time without an edit list.
    pub const ALL: Self = Self {
        start: i64::MIN,
        end: i64::MAX,
    };

    /// Whether a frame at `pts` is shown.
    #[must_use]
    pub const fn shows(&self, pts: i64) -> bool {
        self.start <= pts && pts < self.end
    }
}

/// Boxes of the original that go into a synthetic file as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// `ftyp`, empty where the file has none.
    pub ftyp: Bytes,
    /// `mvhd`: a rotation of everything.
    pub mvhd: Bytes,
    /// The track's number.
    pub track: u32,
    /// `tkhd`: size and rotation.
    pub tkhd: Bytes,
    /// `stsd`: the codec's parameters, colours and pixel aspect.
    pub stsd: Bytes,
}

/// Reads the index out of a whole `moov` box, for a file of `file_len` bytes.
///
/// Never allocates more than some 24 bytes for a byte of `moov` or of the file.
///
/// # Errors
/// Why the samples cannot be had one by one.
pub fn parse(ftyp: Bytes, moov: &Bytes, file_len: u64) -> Result<Index, Unfit> {
    track::Track::read(ftyp, moov)?.index(file_len)
}
