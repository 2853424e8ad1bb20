//! A source whose reads are counted.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use async_trait::async_trait;
use bytes::Bytes;

use crate::counters::Counters;
use crate::io::source::{Source, SourceError};

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
