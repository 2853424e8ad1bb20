//! A bounded cache of a source's blocks, some of them fetched ahead.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio_util::task::AbortOnDropHandle;

use crate::io::source::{Source, SourceError};

/// How a source is cut into blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Bytes of a block: what one request fetches.
    pub(crate) block: u64,
    /// How many blocks are fetched ahead of one that is read in sequence.
    pub(crate) ahead: u64,
    /// How many blocks are kept.
    pub(crate) kept: usize,
    /// Bytes that may lie in a socket unread.
    pub(crate) socket: u32,
}

impl Shape {
    /// For reading from front to back: few requests, several under way.
    pub(crate) const SWEEP: Self = Self {
        block: 2 << 20,
        ahead: 4,
        kept: 8,
        // In a small buffer each write waits for the reader's delayed acknowledgement.
        socket: 1 << 20,
    };
}

type Block = Shared<BoxFuture<'static, Result<Bytes, SourceError>>>;

/// The blocks of one source. Dropping it ends the requests under way.
pub(crate) struct Blocks {
    source: Arc<dyn Source>,
    shape: Shape,
    /// Blocks by number, the least recently used first.
    cache: Mutex<VecDeque<(u64, Block)>>,
    failure: OnceLock<SourceError>,
}

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocks")
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl Blocks {
    pub(crate) fn new(source: Arc<dyn Source>, shape: Shape) -> Self {
        Self {
            source,
            shape,
            cache: Mutex::default(),
            failure: OnceLock::new(),
        }
    }

    /// The source's size in bytes.
    pub(super) fn len(&self) -> u64 {
        self.source.len()
    }

    /// Bytes that may lie in a socket unread.
    pub(super) fn socket(&self) -> u32 {
        self.shape.socket
    }

    /// The first error that a read met.
    pub(super) fn failure(&self) -> Option<SourceError> {
        self.failure.get().cloned()
    }

    /// Bytes from `offset` to the end of its block, and if `sequential` the start of fetching the
    /// next blocks.
    pub(super) async fn read(&self, offset: u64, sequential: bool) -> Result<Bytes, SourceError> {
        let number = offset / self.shape.block;
        let block = self.block(number);
        if sequential {
            for next in number + 1..=number + self.shape.ahead {
                if next * self.shape.block < self.len() {
                    drop(self.block(next));
                }
            }
        }
        match block.await {
            Ok(mut bytes) => {
                let within = usize::try_from(offset % self.shape.block).unwrap_or(usize::MAX);
                Ok(bytes.split_off(within.min(bytes.len())))
            }
            Err(error) => {
                // An error is not kept: it may not happen again.
                self.lock().retain(|(kept, _)| *kept != number);
                let _ = self.failure.set(error.clone());
                Err(error)
            }
        }
    }

    /// The block from the cache, or a request for it.
    fn block(&self, number: u64) -> Block {
        let mut cache = self.lock();
        let cached = cache.iter().position(|(kept, _)| *kept == number);
        let entry = match cached.and_then(|at| cache.remove(at)) {
            Some(entry) => entry,
            None => (number, self.request(number)),
        };
        let block = entry.1.clone();
        cache.push_back(entry);
        if cache.len() > self.shape.kept {
            cache.pop_front();
        }
        block
    }

    fn request(&self, number: u64) -> Block {
        let source = Arc::clone(&self.source);
        let start = number * self.shape.block;
        let end = (start + self.shape.block).min(self.len());
        let task =
            AbortOnDropHandle::new(tokio::spawn(async move { source.read(start..end).await }));
        task.map(|done| done.unwrap_or_else(|e| Err(SourceError::Transient(e.to_string()))))
            .boxed()
            .shared()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Block)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
