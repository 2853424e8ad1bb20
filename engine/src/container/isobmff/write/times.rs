//! Times in which the wanted frames are marked.

use crate::container::isobmff::index::Index;
use crate::container::isobmff::samples::Sample;

/// From the times of an index to those of its fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MarkedTimes {
    /// Added to all times shown, so that none lies before the time of decoding: a demuxer would
    /// composition offset them itself, by a number that need not be even.
    raise: i64,
    timescale: u32,
}

impl MarkedTimes {
    /// The times for the samples of `index`.
    #[must_use]
    pub(crate) fn new(index: &Index) -> Self {
        let lowest = index
            .samples
            .iter()
            .map(|sample| sample.composition_offset)
            .min();
        Self {
            raise: i64::from(lowest.unwrap_or(0).min(0)).abs(),
            timescale: index.timescale,
        }
    }

    /// Ticks in a second.
    #[must_use]
    pub(crate) const fn timescale(&self) -> u32 {
        self.timescale.saturating_mul(2)
    }

    /// A time in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "times of samples are below 2⁵²")]
    pub(crate) fn seconds(&self, ticks: i64) -> f64 {
        ticks as f64 / f64::from(self.timescale())
    }

    /// When `sample` is decoded.
    #[must_use]
    pub(crate) const fn dts(sample: &Sample) -> i64 {
        sample.dts.saturating_mul(2)
    }

    /// When `sample` is shown, with the mark of the wanted.
    #[must_use]
    pub(crate) const fn pts(&self, sample: &Sample, wanted: bool) -> i64 {
        let pts = sample.pts().saturating_add(self.raise).saturating_mul(2);
        if wanted { pts.saturating_add(1) } else { pts }
    }
}
