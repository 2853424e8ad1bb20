//! A local file as a source and as a sink.

use std::fs::{File, Metadata};
use std::io::{Seek, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::io::sink::{Sink, SinkError};
use crate::io::source::{Source, SourceError};

/// A video in a local file, pinned to its inode, size and time of change.
#[derive(Clone, Debug)]
pub struct FileSource {
    file: Arc<File>,
    path: PathBuf,
    len: u64,
    identity: Identity,
}

/// What tells that a file is still the one that was opened.
type Identity = (u64, u64, u64, i64, i64);

fn identity(metadata: &Metadata) -> Identity {
    let m = metadata;
    (m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec())
}

impl FileSource {
    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// If it cannot be opened or is no regular file.
    pub async fn open(path: impl Into<PathBuf>) -> std::io::Result<Self> {
        let path = std::path::absolute(path.into())?;
        spawn_blocking(move || {
            let file = File::open(&path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(std::io::Error::other("not a regular file"));
            }
            let identity = identity(&metadata);
            Ok(Self {
                file: Arc::new(file),
                path,
                len: metadata.len(),
                identity,
            })
        })
        .await
        .map_err(std::io::Error::other)?
    }
}

#[async_trait]
impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let file = Arc::clone(&self.file);
        let identity_then = self.identity;
        blocking(move || {
            let len = usize::try_from(range.end.saturating_sub(range.start))
                .map_err(|_| SourceError::Transient("range too large".into()))?;
            let mut buffer = vec![0; len];
            match file.read_exact_at(&mut buffer, range.start) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Err(SourceError::Changed);
                }
                Err(e) => return Err(SourceError::Transient(e.to_string())),
            }
            let metadata = file
                .metadata()
                .map_err(|e| SourceError::Transient(e.to_string()))?;
            if identity(&metadata) != identity_then {
                return Err(SourceError::Changed);
            }
            Ok(buffer.into())
        })
        .await
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    async fn verify(&self) -> Result<(), SourceError> {
        let path = self.path.clone();
        let identity_then = self.identity;
        blocking(move || match std::fs::metadata(&path) {
            Ok(metadata) if identity(&metadata) == identity_then => Ok(()),
            Ok(_) => Err(SourceError::Changed),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(SourceError::Gone),
            Err(e) => Err(SourceError::Transient(e.to_string())),
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => Err(SourceError::Transient(e.to_string())),
    }
}

/// A zip in a local file: written beside its place under another name, renamed when complete.
#[derive(Debug)]
pub struct FileSink {
    temporary: Arc<NamedTempFile>,
    path: PathBuf,
    overwrite: bool,
}

impl FileSink {
    /// Prepares a zip at `path`, which may take the place of an existing file if `overwrite`.
    ///
    /// # Errors
    /// If the folder cannot be written to, or the file exists and may not be replaced; the latter
    /// is looked at again at the end.
    pub async fn create(path: impl Into<PathBuf>, overwrite: bool) -> std::io::Result<Self> {
        let path = path.into();
        spawn_blocking(move || {
            if !overwrite && path.exists() {
                let message = format!("{} already exists", path.display());
                return Err(std::io::Error::new(
                    std::io::ErrorKind::AlreadyExists,
                    message,
                ));
            }
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            let temporary = tempfile::Builder::new()
                .prefix(".fotograma-")
                .suffix(".part")
                .permissions(default_permissions())
                .tempfile_in(folder)?;
            Ok(Self {
                temporary: Arc::new(temporary),
                path,
                overwrite,
            })
        })
        .await
        .map_err(std::io::Error::other)?
    }
}

/// What any new file gets, less the umask; a temporary file would otherwise be its owner's only.
fn default_permissions() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[async_trait]
impl Sink for FileSink {
    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        let temporary = Arc::clone(&self.temporary);
        spawn_blocking(move || temporary.as_file().write_all(&bytes))
            .await
            .map_err(|e| SinkError(e.to_string()))?
            .map_err(|e| SinkError(e.to_string()))
    }

    async fn restart(&mut self) -> Result<bool, SinkError> {
        let temporary = Arc::clone(&self.temporary);
        let emptied = spawn_blocking(move || {
            temporary.as_file().set_len(0)?;
            temporary.as_file().rewind()
        });
        let emptied = emptied.await.map_err(|e| SinkError(e.to_string()))?;
        emptied.map_err(|e| SinkError(e.to_string()))?;
        Ok(true)
    }

    async fn finish(self: Box<Self>) -> Result<(), SinkError> {
        spawn_blocking(move || {
            let temporary = Arc::into_inner(self.temporary)
                .ok_or_else(|| SinkError("a write is still under way".into()))?;
            temporary
                .as_file()
                .sync_all()
                .map_err(|e| SinkError(e.to_string()))?;
            let done = if self.overwrite {
                temporary.persist(&self.path)
            } else {
                temporary.persist_noclobber(&self.path)
            };
            done.map(drop)
                .map_err(|e| SinkError(format!("{}: {}", self.path.display(), e.error)))
        })
        .await
        .map_err(|e| SinkError(e.to_string()))?
    }

    async fn abort(self: Box<Self>) {}
}
