//! What is to be read and decoded for the wanted frames: plain data, made without any input or
//! output, that can be printed, tested, and cut into parts that run apart.

mod cut;
mod groups;
mod ranges;
mod targets;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::index::{Codec, Index, Unfit};
use crate::options::Options;
use crate::strategy::Strategy;

pub use ranges::MAX_GAP;

/// How the frames of one video are got at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// How the video is read.
    pub strategy: Strategy,
    /// Why so.
    pub because: Because,
    /// The video's size in bytes.
    pub source_bytes: u64,
    /// How the frames are coded, where the index says so.
    pub codec: Option<Codec>,
    /// Bytes that will be read, the index apart; all of them where it is not planned.
    pub planned_bytes: u64,
    /// `planned_bytes` of `source_bytes`, from 0 to 1.
    pub share: f64,
    /// Samples that will be fed to the decoder, before those that nothing depends on are left out.
    pub samples: u64,
    /// How many wanted frames come before these, in other parts of a plan that was cut.
    pub first: u32,
    /// The wanted frames, in the order they are shown; empty where they are not planned.
    pub targets: Vec<Target>,
    /// What must be decoded for them, in decoding order.
    pub groups: Vec<Group>,
    /// The bytes to fetch, ascending.
    pub ranges: Vec<Range<u64>>,
}

/// Why a strategy was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Because {
    /// A part of the bytes is enough.
    Sparse,
    /// Nearly all bytes are needed: they are read in one sweep, and not all is decoded.
    Sweep,
    /// So much must be decoded that one may as well decode all.
    Dense,
    /// The index cannot be used.
    Unfit(Unfit),
    /// What the plan foresaw did not happen.
    Surprise(String),
}

impl std::fmt::Display for Because {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sparse => to.write_str("the frames depend on a part of the bytes"),
            Self::Sweep => to.write_str("the frames depend on nearly all bytes"),
            Self::Dense => to.write_str("the frames are too close to each other to seek for each"),
            Self::Unfit(unfit) => unfit.fmt(to),
            Self::Surprise(what) => write!(to, "not as planned: {what}"),
        }
    }
}

impl Because {
    /// A stable word for metrics, in snake case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sparse => "sparse",
            Self::Sweep => "sweep",
            Self::Dense => "dense",
            Self::Unfit(unfit) => unfit.code(),
            Self::Surprise(_) => "surprise",
        }
    }
}

/// A wanted frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its sample, counted from zero in decoding order.
    pub sample: u32,
    /// When it is shown, in seconds from the first frame.
    pub seconds: f64,
}

/// Samples that are decoded one after the other without a gap, beginning where decoding can
/// start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its samples, in decoding order.
    pub samples: Range<u32>,
    /// Which of the plan's targets it gives.
    pub targets: Range<u32>,
}

impl Plan {
    /// Reads everything, because of `because`.
    #[must_use]
    pub fn whole(source_bytes: u64, because: Because) -> Self {
        Self {
            strategy: Strategy::Whole,
            because,
            source_bytes,
            codec: None,
            planned_bytes: source_bytes,
            share: 1.0,
            samples: 0,
            first: 0,
            targets: Vec::new(),
            groups: Vec::new(),
            ranges: Vec::new(),
        }
    }

    /// Seeks for every frame in a video of `source_bytes`. How much that reads shows on the way.
    #[must_use]
    pub fn blocks(source_bytes: u64) -> Self {
        Self {
            strategy: Strategy::Blocks,
            ..Self::whole(source_bytes, Because::Sparse)
        }
    }

    /// What is needed of the video that `index` describes, `source_bytes` long.
    ///
    /// # Errors
    /// Why its frames cannot be had one by one.
    pub fn indexed(index: &Index, source_bytes: u64, options: &Options) -> Result<Self, Unfit> {
        let targets = targets::choose(index, options)?;
        let groups = groups::gather(index, &targets)?;
        let (ranges, swept) = ranges::of(index, &groups, source_bytes)?;
        let planned_bytes = ranges.iter().map(|range| range.end - range.start).sum();
        let timescale = f64::from(index.timescale);
        Ok(Self {
            strategy: Strategy::Indexed,
            because: if swept {
                Because::Sweep
            } else {
                Because::Sparse
            },
            source_bytes,
            codec: Some(index.codec.clone()),
            planned_bytes,
            share: share(planned_bytes, source_bytes),
            samples: groups.iter().map(|group| group.samples.len() as u64).sum(),
            first: 0,
            targets: targets
                .iter()
                .map(|target| Target {
                    sample: target.sample,
                    seconds: ticks(target.ticks) / timescale,
                })
                .collect(),
            groups,
            ranges,
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share is said to three digits"
)]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Ticks as a floating-point number, as ffmpeg computes with them.
#[expect(
    clippy::cast_precision_loss,
    reason = "below 2⁵³, see `targets::MAX_TICKS`"
)]
fn ticks(ticks: i64) -> f64 {
    ticks as f64
}
