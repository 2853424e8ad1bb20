//! A synthetic fragmented mp4 (ISO/IEC 14496-12, section 8.8): the original's codec parameters,
//! then any of its samples, as a stream that a decoder reads from a pipe.
//!
//! Its ticks are half as long as the original's, so that the lowest bit of a time is free: it
//! marks the wanted frames, which a filter then picks out by `mod(pts,2)`.

mod init;
mod moof;
mod writer;

pub use init::init;
pub use moof::{Entry, fragment};

use crate::index::{Index, Sample};

/// From the times of an index to those of its fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Added to all times shown, so that none lies before the time of decoding: a demuxer would
    /// shift them itself, by a number that need not be even.
    raise: i64,
    timescale: u32,
}

impl Times {
    /// The times for the samples of `index`.
    #[must_use]
    pub fn of(index: &Index) -> Self {
        let lowest = index.samples.iter().map(|sample| sample.shift).min();
        Self {
            raise: i64::from(lowest.unwrap_or(0).min(0)).abs(),
            timescale: index.timescale,
        }
    }

    /// Ticks in a second.
    #[must_use]
    pub const fn timescale(&self) -> u32 {
        self.timescale.saturating_mul(2)
    }

    /// A time in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "times of samples are below 2⁵²")]
    pub fn seconds(&self, ticks: i64) -> f64 {
        ticks as f64 / f64::from(self.timescale())
    }

    /// When `sample` is decoded.
    #[must_use]
    pub const fn dts(&self, sample: &Sample) -> i64 {
        sample.dts.saturating_mul(2)
    }

    /// When `sample` is shown, with the mark of the wanted.
    #[must_use]
    pub const fn pts(&self, sample: &Sample, wanted: bool) -> i64 {
        let pts = sample.pts().saturating_add(self.raise).saturating_mul(2);
        if wanted { pts.saturating_add(1) } else { pts }
    }
}
