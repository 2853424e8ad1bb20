//! The body of a form on its way to whoever reads it: how much of it may be no file, and how slowly it
//! may come.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream, StreamExt};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use super::request::BODY_TIME;

/// The most bytes before, between and after files: boundaries, heads of parts, fields.
const MAX_BETWEEN_FILES: usize = 64 * 1024;
/// A form is read in slices of so many bytes. Its reader looks through all that is no file again at
/// each slice, so small ones would cost a client nothing and the server much.
const SLICE: usize = 16 * 1024;
/// In a file nothing is counted.
const IN_FILE: usize = usize::MAX;

/// What forms may cost.
#[derive(Debug, Clone, Copy)]
pub struct FormLimits {
    /// How many forms may be under way at once, apart from other requests; more are answered 503.
    pub places: usize,
    /// How many bytes a second a client must send, on an average, once it had half a minute. Only the
    /// time counts in which the client is waited for, not that of the store.
    pub bytes_per_second: u64,
    /// How long a form may take.
    pub longest: Duration,
}

impl Default for FormLimits {
    fn default() -> Self {
        Self {
            places: 64,
            bytes_per_second: 8 * 1024,
            longest: Duration::from_hours(1),
        }
    }
}

/// Why a form is not read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormCutOff {
    #[error("the form comes too slowly")]
    TooSlow,
    #[error("the form has too much beside its file")]
    TooMuchBesideFile,
}

/// How much has come since the last file; shared by the stream and whoever reads fields from it.
#[derive(Clone, Default)]
pub(super) struct BetweenFiles(Arc<AtomicUsize>);

impl BetweenFiles {
    /// What comes from now on is a file.
    pub(super) fn file_begins(&self) {
        self.0.store(IN_FILE, Relaxed);
    }

    /// What comes from now on is no file.
    pub(super) fn file_ends(&self) {
        self.0.store(0, Relaxed);
    }

    /// Counts what is about to be read.
    fn count(&self, bytes: usize) -> Result<(), FormCutOff> {
        let before = self.0.load(Relaxed);
        if before == IN_FILE {
            return Ok(());
        }
        self.0.store(before + bytes, Relaxed);
        if before + bytes > MAX_BETWEEN_FILES {
            return Err(FormCutOff::TooMuchBesideFile);
        }
        Ok(())
    }
}

struct Reading<B> {
    body: B,
    limits: FormLimits,
    between: BetweenFiles,
    began: Instant,
    /// How long the client was waited for.
    waited: Duration,
    received: u64,
    buffer: BytesMut,
    ended: bool,
}

/// A body in slices, each given when it is asked for and no sooner; it ends with an error when it is not
/// to be read any further.
pub(super) fn slices<B>(
    body: B,
    limits: FormLimits,
    between: BetweenFiles,
) -> impl Stream<Item = Result<Bytes, Box<dyn StdError + Send + Sync>>> + Send
where
    B: BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let reading = Reading {
        body: Box::pin(body.into_data_stream()),
        limits,
        between,
        began: Instant::now(),
        waited: Duration::ZERO,
        received: 0,
        buffer: BytesMut::new(),
        ended: false,
    };
    stream::try_unfold(reading, |mut reading| async {
        // The reader takes all that is there before it looks at any: so there is one slice at a time.
        tokio::task::yield_now().await;
        let slice = reading.next().await?;
        Ok(slice.map(|slice| (slice, reading)))
    })
}

impl<S, E> Reading<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn StdError + Send + Sync>> {
        while self.buffer.len() < SLICE && !self.ended {
            self.receive().await?;
        }
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let slice = self.buffer.split_to(self.buffer.len().min(SLICE));
        self.between.count(slice.len())?;
        Ok(Some(slice.freeze()))
    }

    async fn receive(&mut self) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let asked = Instant::now();
        let left = self.limits.longest.saturating_sub(asked - self.began);
        let piece = timeout(BODY_TIME.min(left), self.body.next()).await;
        self.waited += asked.elapsed();
        match piece.map_err(|_| FormCutOff::TooSlow)? {
            Some(piece) => {
                let piece = piece.map_err(Into::into)?;
                self.received += piece.len() as u64;
                self.buffer.extend_from_slice(&piece);
            }
            None => self.ended = true,
        }
        let seconds = self.received / self.limits.bytes_per_second.max(1);
        if self.waited > BODY_TIME + Duration::from_secs(seconds) {
            return Err(FormCutOff::TooSlow.into());
        }
        Ok(())
    }
}
