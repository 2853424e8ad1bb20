//! The data folder: held by one process at a time, and closed to other users of the machine.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::config::Error;

/// Only the owner may look into a folder.
const FOLDER_MODE: u32 = 0o700;
/// Only the owner may read a file.
pub(crate) const FILE_MODE: u32 = 0o600;

/// The folder, ours until this is dropped.
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Locked for as long as the folder is ours.
    _lock: File,
    ephemeral: Option<TempDir>,
}

impl DataFolder {
    /// Opens or makes the folder; a temporary one that goes at the end if none is `wanted`.
    pub(crate) fn open(wanted: Option<&Path>) -> Result<Self, Error> {
        let (path, ephemeral) = if let Some(path) = wanted {
            (path.to_owned(), None)
        } else {
            let folder = tempfile::Builder::new().prefix("fotograma-aws-").tempdir();
            let folder = folder.map_err(|source| Error::Folder {
                path: std::env::temp_dir(),
                source,
            })?;
            (folder.path().to_owned(), Some(folder))
        };
        let failed = |source| Error::Folder {
            path: path.clone(),
            source,
        };
        create_private_folder(&path).map_err(failed)?;
        let lock = create_private_file(&path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path,
                _lock: lock,
                ephemeral,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Whether it is removed at the end anyway.
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.ephemeral.is_some()
    }

    /// The path of a file for a database, which is there afterwards: `SQLite` gives the files that it
    /// makes beside it the same mode.
    pub(crate) fn database(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        create_private_file(&path).map_err(|source| self.failed(source))?;
        Ok(path)
    }

    /// A folder inside, which is there afterwards.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        create_private_folder(&path).map_err(|source| self.failed(source))?;
        Ok(path)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Folder {
            path: self.path.clone(),
            source,
        }
    }
}

/// Folders of older versions were open to all. A volume that is mounted for a group belongs to somebody
/// else, who says how open it is.
fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    if fs::metadata(path)?.permissions().mode() & 0o777 == FOLDER_MODE {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(path = %path.display(), "the data folder is another user's and stays as open as it is");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Opens a file, or makes it.
fn create_private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != FILE_MODE {
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    }
    Ok(file)
}
