//! Figures that the parts of an extraction keep while it runs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::options::Options;
use crate::progress::Progress;

/// Figures of one extraction. Microseconds, as atomics know no fractions.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) frames: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) bytes_written: AtomicU64,
    position: AtomicU64,
    start: AtomicU64,
    end: AtomicU64,
}

impl Counters {
    /// Sets the span of time in which frames are wanted of a video that ends at `end`, in seconds from
    /// the video's start.
    pub(crate) fn set_span(&self, options: &Options, end: f64) {
        let from = options.from.unwrap_or_default().as_secs_f64();
        let to = options.to.map_or(end, |to| to.as_secs_f64().min(end));
        self.start.store(micros(from), Relaxed);
        self.end.store(micros(to), Relaxed);
    }

    /// The span of time in which frames are wanted, in seconds, where it is known.
    #[expect(clippy::cast_precision_loss, reason = "285 years fit")]
    pub(crate) fn span(&self) -> Option<(f64, f64)> {
        let (start, end) = (self.start.load(Relaxed), self.end.load(Relaxed));
        (end > start).then(|| (start as f64 / 1e6, end as f64 / 1e6))
    }

    /// Sets the time of the last frame, in seconds from the video's start.
    pub(crate) fn set_position(&self, seconds: f64) {
        self.position.store(micros(seconds), Relaxed);
    }

    /// What a listener is told.
    pub(crate) fn progress(&self) -> Progress {
        let (start, end) = (self.start.load(Relaxed), self.end.load(Relaxed));
        let position = self.position.load(Relaxed);
        let percent = (position
            .saturating_sub(start)
            .min(end.saturating_sub(start))
            * 100)
            .checked_div(end.saturating_sub(start))
            .and_then(|percent| u8::try_from(percent).ok());
        Progress {
            percent,
            frames: self.frames.load(Relaxed),
            #[expect(clippy::cast_precision_loss, reason = "285 years fit")]
            seconds: position as f64 / 1e6,
            bytes_read: self.bytes_read.load(Relaxed),
            bytes_written: self.bytes_written.load(Relaxed),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it saturates"
)]
fn micros(seconds: f64) -> u64 {
    (seconds.clamp(0.0, 1e9) * 1e6) as u64
}
