//! The bodies of objects and parts: one immutable file each, named by a UUID and nothing a caller
//! says, in one folder.
//!
//! The database alone decides which files count. A file that no row names is an orphan, left by
//! a process that died between writing and committing, and is swept away. What is being written
//! or read is pinned: a pinned file is removed only when the last pin is gone.

mod read;
mod write;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use uuid::Uuid;

pub(super) use read::Stretch;

/// Bytes that are written or read in one go: enough that the hop to a blocking thread is cheap, also
/// on a busy machine. A request holds two of these.
const PIECE: usize = 1024 * 1024;

/// The folder of bodies. Clones share it.
#[derive(Clone)]
pub(crate) struct Blobs {
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
    /// Opens or creates the folder; to be called in a runtime.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.into(),
            pins: Arc::default(),
            runtime: Handle::current(),
        })
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

async fn blocking<T, F>(f: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    tokio::task::spawn_blocking(f)
        .await
        .unwrap_or_else(|e| Err(io::Error::other(e)))
}

fn unlink(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "a body was not removed");
    }
}
