//! Bodies going out. The next piece is read while one is being sent.

use std::collections::VecDeque;
use std::fs::File;
use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use rustix::buffer::spare_capacity;
use tokio::task::JoinHandle;

use super::{Blobs, PIECE, Pin};

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct Stretch {
    pub(in crate::s3) name: String,
    pub(in crate::s3) from: u64,
    pub(in crate::s3) until: u64,
}

struct Reader {
    stretches: VecDeque<Stretch>,
    /// The file of the first stretch.
    open: Option<File>,
    pin: Pin,
}

/// A reader that is at work: with the piece it has read, itself again for the next one.
type Reading = JoinHandle<io::Result<Option<(Bytes, Reader)>>>;

impl Blobs {
    /// Reads stretches, one after the other, in pieces.
    ///
    /// The first piece is read before this returns, so that a body removed in the meantime is
    /// noticed while a status can still be chosen.
    pub(in crate::s3) async fn read(
        &self,
        stretches: Vec<Stretch>,
    ) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
        let pin = self.pin(stretches.iter().map(|s| s.name.clone()).collect());
        let reader = Reader {
            stretches: stretches.into(),
            open: None,
            pin,
        };
        let (first, reader) = done(reader.start()).await?.unzip();
        let rest = futures::stream::unfold(reader.map(Reader::start), |reading| async {
            match done(reading?).await {
                Ok(None) => None,
                Ok(Some((piece, reader))) => Some((Ok(piece), Some(reader.start()))),
                // A body cut short is closed by the connection, never completed.
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(futures::stream::iter(first.map(Ok)).chain(rest))
    }
}

impl Reader {
    fn start(mut self) -> Reading {
        tokio::task::spawn_blocking(move || Ok(self.next()?.map(|piece| (piece, self))))
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(stretch) = self.stretches.front_mut() else {
            return Ok(None);
        };
        let file = match self.open.take() {
            Some(file) => file,
            None => File::open(self.pin.blobs.path(&stretch.name))?,
        };
        let length = usize::try_from(stretch.until - stretch.from)
            .unwrap_or(usize::MAX)
            .min(PIECE);
        // Into memory that was not zeroed first, which would cost as much as the reading.
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let at = stretch.from + bytes.len() as u64;
            if rustix::io::pread(&file, spare_capacity(&mut bytes), at)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        // The capacity may have been more than what was asked for.
        bytes.truncate(length);
        stretch.from += length as u64;
        if stretch.from >= stretch.until {
            self.stretches.pop_front();
        } else {
            self.open = Some(file);
        }
        Ok(Some(Bytes::from(bytes)))
    }
}

async fn done(reading: Reading) -> io::Result<Option<(Bytes, Reader)>> {
    reading.await.unwrap_or_else(|e| Err(io::Error::other(e)))
}
