//! How other commands find the system that `fotograma dev` runs: a file in its data folder, there while
//! it runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use http::Uri;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

/// The file's name in the data folder.
const FILE: &str = "dev.json";
/// How long a system that runs on this machine may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// What a running `dev` tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunningDev {
    /// The embedded AWS's address.
    pub(super) aws: String,
    /// The keys that it knows.
    pub(super) access_key: String,
    pub(super) secret_key: String,
    /// The page's address.
    pub(super) page: String,
}

/// The file, gone when this is dropped.
pub(super) struct Announcement(PathBuf);

impl Drop for Announcement {
    fn drop(&mut self) {
        // One that stays names an address at which nobody answers, which is looked at.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether an address is one of this machine alone.
pub(super) fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<Uri>();
    let host = uri.ok().and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address
                .parse()
                .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    })
}

impl RunningDev {
    /// Writes the file; for this user alone, since it holds keys.
    pub(super) fn announce(&self, data_dir: &Path) -> Result<Announcement> {
        let path = data_dir.join(FILE);
        let write = || {
            // Made anew beside it, readable by nobody else from the start, and put in its place.
            let mut file = tempfile::NamedTempFile::new_in(data_dir)?;
            serde_json::to_writer(&mut file, self)?;
            file.persist(&path)?;
            anyhow::Ok(())
        };
        write().with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Announcement(path))
    }

    /// The system that runs with this data folder; none if nothing answers there. The folder may be
    /// anybody's, so that it can only name an address of this machine.
    pub(super) async fn find(data_dir: &Path) -> Option<Self> {
        let text = std::fs::read(data_dir.join(FILE)).ok()?;
        let found: Self = serde_json::from_slice(&text).ok()?;
        if !is_loopback(&found.aws) {
            return None;
        }
        let uri = found.aws.parse::<Uri>().ok()?;
        let address: SocketAddr = uri.authority()?.as_str().parse().ok()?;
        let answers = tokio::time::timeout(ANSWER, TcpStream::connect(address));
        answers.await.ok()?.ok()?;
        Some(found)
    }

    /// The data folder that commands look into: the one that `dev` has unless told.
    pub(super) fn data_dir() -> PathBuf {
        let told = std::env::var_os("FOTOGRAMA_DATA_DIR").filter(|folder| !folder.is_empty());
        told.map_or_else(|| PathBuf::from(super::DATA_DIR), PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn told(aws: String) -> RunningDev {
        let (access_key, secret_key) = ("test".to_owned(), "secret".to_owned());
        let page = "http://127.0.0.1:8000".to_owned();
        RunningDev {
            aws,
            access_key,
            secret_key,
            page,
        }
    }

    #[tokio::test]
    async fn a_system_is_found_while_it_runs_and_answers() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let dev = told(format!("http://{}", listener.local_addr()?));
        let announcement = dev.announce(folder.path())?;
        assert_eq!(RunningDev::find(folder.path()).await, Some(dev.clone()));
        drop(announcement);
        assert_eq!(RunningDev::find(folder.path()).await, None);

        // Killed: the file stays, and nobody listens.
        let left = dev.announce(folder.path())?;
        drop(listener);
        assert_eq!(RunningDev::find(folder.path()).await, None);
        drop(left);
        Ok(())
    }

    #[tokio::test]
    async fn a_folder_cannot_name_an_address_of_another_machine() -> Result<()> {
        let folder = tempfile::tempdir()?;
        for elsewhere in ["http://192.0.2.1:4566", "http://aws.example:80", "nonsense"] {
            let _file = told(elsewhere.to_owned()).announce(folder.path())?;
            assert_eq!(RunningDev::find(folder.path()).await, None, "{elsewhere}");
        }
        Ok(())
    }

    #[test]
    fn the_file_is_for_its_owner_alone() -> Result<()> {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir()?;
        let file = told("http://127.0.0.1:1".to_owned()).announce(folder.path())?;
        let mode = std::fs::metadata(&file.0)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        Ok(())
    }
}
