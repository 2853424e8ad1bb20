//! Bodies coming in. One piece is hashed and written while the next one arrives, and no thread is
//! held while a slow client is waited for.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::task::JoinHandle;

use super::{Blobs, PIECE, Pin, Received};
use crate::s3::checksums::Digests;
use crate::s3::error::S3Failure;

struct Writer {
    path: PathBuf,
    file: Option<File>,
    digests: Digests,
    size: u64,
    /// Travels with the file: whoever gives up in the middle, it is removed after the last write.
    pin: Pin,
}

impl Blobs {
    /// Writes a stream to a new file, hashing as it goes; memory does not grow with the body.
    pub(in crate::s3) async fn receive<S>(
        &self,
        stream: S,
        digests: Digests,
    ) -> Result<(Received, Digests), S3Failure>
    where
        S: Stream<Item = Result<Bytes, S3Failure>> + Send,
    {
        let (name, pin) = self.fresh();
        let mut stream = std::pin::pin!(stream);
        let first = Writer {
            path: self.path(&name),
            file: None,
            digests,
            size: 0,
            pin,
        };
        let mut writing = first.write(Vec::new());
        let mut pieces = Vec::new();
        let mut gathered = 0;
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            gathered += piece.len();
            pieces.push(piece);
            if gathered >= PIECE {
                writing = done(writing).await?.write(std::mem::take(&mut pieces));
                gathered = 0;
            }
        }
        let writer = done(done(writing).await?.write(pieces)).await?;
        let received = Received {
            name,
            size: writer.size,
            pin: writer.pin,
        };
        Ok((received, writer.digests))
    }
}

impl Writer {
    fn write(mut self, pieces: Vec<Bytes>) -> JoinHandle<io::Result<Self>> {
        tokio::task::spawn_blocking(move || {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => File::create_new(&self.path)?,
            };
            for piece in &pieces {
                file.write_all(piece)?;
                self.digests.update(piece);
                self.size += piece.len() as u64;
            }
            self.file = Some(file);
            Ok(self)
        })
    }
}

async fn done(writing: JoinHandle<io::Result<Writer>>) -> io::Result<Writer> {
    writing.await.unwrap_or_else(|e| Err(io::Error::other(e)))
}
