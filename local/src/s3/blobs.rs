//! The bodies of objects and parts: one immutable file each, named by a UUID and nothing a caller
//! says, in one folder.
//!
//! The database alone decides which files count. A file that no row names is an orphan, left by
//! a process that died between writing and committing, and is swept away. What is being written
//! or read is pinned: a pinned file is removed only when the last pin is gone. Of a body going out the
//! next piece is read while one is sent; of one coming in a piece is hashed and written while the
//! next one arrives, and no thread is held while a slow client is waited for.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use rustix::buffer::spare_capacity;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::checksums::Digests;
use super::error::S3Failure;
use crate::folder::FILE_MODE;

/// Bytes that are written or read in one go: enough that the hop to a blocking thread is cheap, also
/// on a busy machine. A request holds two of these.
const PIECE: usize = 1024 * 1024;

/// The folder of bodies. Clones share it.
#[derive(Clone)]
pub(super) struct Blobs {
    folder: Arc<Path>,
    pins: Arc<Mutex<HashMap<String, Pinned>>>,
    runtime: Handle,
}

#[derive(Default)]
struct Pinned {
    pins: usize,
    doomed: bool,
}

/// Keeps files from being removed while it lives.
pub(super) struct Pin {
    blobs: Blobs,
    names: Vec<String>,
}

/// A body that was received but is not yet named by a row. Unless [`keep`](Self::keep) is called it
/// is removed again.
pub(super) struct Received {
    pub(super) name: String,
    pub(super) size: u64,
    pin: Pin,
}

impl Blobs {
    /// Keeps bodies in a folder that is there; to be called in a runtime.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.into(),
            pins: Arc::default(),
            runtime: Handle::current(),
        }
    }

    /// A new name, pinned and doomed from the start: only [`keep`](Received::keep) lifts that, so
    /// that whatever goes wrong leaves no file.
    fn fresh(&self) -> (String, Pin) {
        let name = Uuid::new_v4().simple().to_string();
        let pin = self.pin(vec![name.clone()]);
        self.doom(&name);
        (name, pin)
    }

    /// Gives an existing file a second name, for a copy that shares its bytes.
    pub(super) async fn link(&self, name: &str) -> io::Result<Received> {
        let (new, pin) = self.fresh();
        let (from, to) = (self.path(name), self.path(&new));
        blocking(move || {
            fs::hard_link(&from, &to)?;
            let size = fs::metadata(&to)?.len();
            Ok(Received {
                name: new,
                size,
                pin,
            })
        })
        .await
    }

    /// Removes files that no row names any more, in the background; those in use go when they are
    /// no longer.
    pub(super) fn remove(&self, names: Vec<String>) {
        if names.is_empty() {
            return;
        }
        // The removal is a pin as well: a reader that comes in between then finds either the
        // first file gone, and asks the database again, or none gone at all.
        let pin = self.pin(names);
        pin.names.iter().for_each(|name| self.doom(name));
        self.runtime.spawn_blocking(move || drop(pin));
    }

    /// Files that are neither being written nor read. To be asked *before* the database is:
    /// whatever was committed by then is named by it.
    pub(super) fn idle(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        let pins = self.lock();
        names.retain(|name| !pins.contains_key(name));
        Ok(names)
    }

    fn pin(&self, names: Vec<String>) -> Pin {
        let mut pins = self.lock();
        for name in &names {
            pins.entry(name.clone()).or_default().pins += 1;
        }
        Pin {
            blobs: self.clone(),
            names,
        }
    }

    fn doom(&self, name: &str) {
        if let Some(pinned) = self.lock().get_mut(name) {
            pinned.doomed = true;
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Pinned>> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Received {
    /// To be called once a row names the file.
    pub(super) fn keep(&self) {
        if let Some(pinned) = self.pin.blobs.lock().get_mut(&self.name) {
            pinned.doomed = false;
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        for name in &self.names {
            // Taken for each: a body of ten thousand parts must not hold up everyone.
            let mut pins = self.blobs.lock();
            let Some(pinned) = pins.get_mut(name) else {
                continue;
            };
            pinned.pins -= 1;
            if pinned.pins == 0 {
                let doomed = pinned.doomed;
                pins.remove(name);
                if doomed {
                    unlink(&self.blobs.path(name));
                }
            }
        }
    }
}

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) name: String,
    pub(super) from: u64,
    pub(super) until: u64,
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
    pub(super) async fn read(
        &self,
        stretches: Vec<Stretch>,
    ) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
        let pin = self.pin(stretches.iter().map(|s| s.name.clone()).collect());
        let reader = Reader {
            stretches: stretches.into(),
            open: None,
            pin,
        };
        let (first, reader) = joined(reader.start_reading()).await?.unzip();
        let rest = futures::stream::unfold(reader.map(Reader::start_reading), |reading| async {
            match joined(reading?).await {
                Ok(None) => None,
                Ok(Some((piece, reader))) => Some((Ok(piece), Some(reader.start_reading()))),
                // A body cut short is closed by the connection, never completed.
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(futures::stream::iter(first.map(Ok)).chain(rest))
    }
}

impl Reader {
    fn start_reading(mut self) -> Reading {
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
    pub(super) async fn receive<S>(
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
                writing = joined(writing).await?.write(std::mem::take(&mut pieces));
                gathered = 0;
            }
        }
        let writer = joined(joined(writing).await?.write(pieces)).await?;
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
                None => OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(FILE_MODE)
                    .open(&self.path)?,
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

async fn joined<T>(task: JoinHandle<io::Result<T>>) -> io::Result<T> {
    task.await.unwrap_or_else(|e| Err(io::Error::other(e)))
}

async fn blocking<T, F>(f: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    joined(tokio::task::spawn_blocking(f)).await
}

fn unlink(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "a body was not removed");
    }
}
