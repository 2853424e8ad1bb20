//! How a local AWS is set up, and why one does not start.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// How a local AWS is set up. [`Config::default`] gives an ephemeral one on a free loopback port.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that keeps the state; a temporary one, removed at the end, when absent.
    pub data_dir: Option<PathBuf>,
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// The address that queue addresses and links begin with, when it is not the one listened
    /// on (behind a container's port mapping, for instance).
    pub public_url: Option<String>,
    /// The region that names are made with.
    pub region: String,
    /// The account that names are made with, twelve digits.
    pub account: String,
    /// The one access key that is known.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: None,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            public_url: None,
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            access_key: "test".to_owned(),
            secret_key: "test".to_owned(),
        }
    }
}

/// Why a local AWS did not start. What the system said is the error's source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The port is taken or may not be used.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another local AWS holds the data folder.
    #[error("the data folder {} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The data folder was written by a newer program.
    #[error(
        "the data in {} is of version {found}, and this program knows versions up to {known}: \
         use a newer program, or another folder",
        path.display()
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program reads.
        known: i64,
    },
    /// The state cannot be read.
    #[error("cannot open the state in {}: {reason}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        reason: String,
    },
}
