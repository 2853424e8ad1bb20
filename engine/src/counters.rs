//! Figures that the parts of an extraction keep while it runs.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use bytes::Bytes;

use crate::source::{Source, SourceError};
use crate::watch::Progress;

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
    /// Sets the span of time in which frames are wanted, in seconds from the video's start.
    pub(crate) fn set_span(&self, span: Range<f64>) {
        self.start.store(micros(span.start), Relaxed);
        self.end.store(micros(span.end), Relaxed);
    }

    /// Sets the time of the last frame, in seconds from the video's start.
    pub(crate) fn set_position(&self, seconds: f64) {
        self.position.store(micros(seconds), Relaxed);
    }

    /// What a watch is told.
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

/// A source whose reads are counted and checked for length.
pub(crate) struct Metered {
    source: Arc<dyn Source>,
    counters: Arc<Counters>,
}

impl Metered {
    pub(crate) fn new(source: Arc<dyn Source>, counters: Arc<Counters>) -> Self {
        Self { source, counters }
    }
}

#[async_trait]
impl Source for Metered {
    fn len(&self) -> u64 {
        self.source.len()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let wanted = range.end.saturating_sub(range.start);
        self.counters.requests.fetch_add(1, Relaxed);
        let bytes = self.source.read(range).await?;
        self.counters
            .bytes_read
            .fetch_add(bytes.len() as u64, Relaxed);
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(SourceError::Transient(format!(
                "{} bytes came instead of {wanted}",
                bytes.len()
            )))
        }
    }

    fn path(&self) -> Option<&Path> {
        self.source.path()
    }

    async fn verify(&self) -> Result<(), SourceError> {
        self.source.verify().await
    }
}
