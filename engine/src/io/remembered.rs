//! A source of which some bytes that have been read are kept: what an index was made of is mostly what
//! is decoded next.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::io::source::{Source, SourceError};

/// The most bytes that are kept.
const MAX_BYTES: u64 = 64 << 20;

/// A source that keeps the first bytes that are read of it.
pub(crate) struct Remembered {
    source: Arc<dyn Source>,
    pieces: Mutex<Pieces>,
}

#[derive(Default)]
struct Pieces {
    by_start: BTreeMap<u64, Bytes>,
    bytes: u64,
    /// Whether no more are kept.
    is_closed: bool,
}

impl Remembered {
    /// Of `source`, whose first bytes are `head`.
    pub(crate) fn new(source: Arc<dyn Source>, head: &Bytes) -> Self {
        let mut pieces = Pieces::default();
        pieces.keep(0, head);
        Self {
            source,
            pieces: Mutex::new(pieces),
        }
    }

    /// Keeps no more than there is.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pieces {
    /// The bytes of `range`, if all of them are kept.
    fn find(&self, range: &Range<u64>) -> Option<Bytes> {
        let mut found = BytesMut::new();
        let mut at = range.start;
        while at < range.end {
            let (&start, piece) = self.by_start.range(..=at).next_back()?;
            let from = usize::try_from(at - start).ok()?;
            let to = usize::try_from(range.end - start).ok()?.min(piece.len());
            let part = piece.get(from..to).filter(|part| !part.is_empty())?;
            if at == range.start && start + piece.len() as u64 >= range.end {
                return Some(piece.slice(from..to));
            }
            found.extend_from_slice(part);
            at += part.len() as u64;
        }
        Some(found.freeze())
    }

    fn keep(&mut self, at: u64, bytes: &Bytes) {
        let length = bytes.len() as u64;
        if !self.is_closed && !bytes.is_empty() && self.bytes + length <= MAX_BYTES {
            self.bytes += length;
            if let Some(other) = self.by_start.insert(at, bytes.clone()) {
                self.bytes -= other.len() as u64;
            }
        }
    }
}

#[async_trait]
impl Source for Remembered {
    fn len(&self) -> u64 {
        self.source.len()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        if let Some(found) = self.lock().find(&range) {
            return Ok(found);
        }
        let bytes = self.source.read(range.clone()).await?;
        self.lock().keep(range.start, &bytes);
        Ok(bytes)
    }

    fn path(&self) -> Option<&Path> {
        self.source.path()
    }

    async fn verify(&self) -> Result<(), SourceError> {
        self.source.verify().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Counters;
    use crate::io::metered::Metered;
    use crate::tests::support::Memory;

    #[tokio::test]
    async fn what_has_been_read_is_not_read_again() {
        let counters = Arc::new(Counters::default());
        let memory = Memory::new((0..100).collect::<Vec<u8>>());
        let source = Arc::new(Metered::new(memory, Arc::clone(&counters)));
        let source = Remembered::new(source, &Bytes::from_static(&[0, 1, 2]));
        let requests = || counters.requests.load(std::sync::atomic::Ordering::Relaxed);
        for range in [10..20, 18..40, 60..70] {
            source.read(range).await.expect("bytes");
        }
        assert_eq!(requests(), 3);
        for range in [0..3, 10..40, 12..14, 39..40, 61..70, 5..5] {
            let expected: Bytes = range
                .clone()
                .map(|byte: u64| byte.to_le_bytes()[0])
                .collect();
            assert_eq!(source.read(range).await, Ok(expected));
        }
        assert_eq!(requests(), 3);
        source.close();
        for _ in 0..2 {
            source.read(35..61).await.expect("bytes");
        }
        assert_eq!(requests(), 5);
    }
}
