//! A small AWS on one port: S3, SQS, SNS, `DynamoDB`, Cognito, SES and STS, as far as fotograma,
//! its tests and a person with the `aws` command need them, durable in one folder.
//!
//! What it serves it means to serve exactly; everything else it refuses by name, in AWS's own
//! error shape. It is a library: nothing is read from the environment, nothing is global, and
//! several can run in one process.
//!
//! ```no_run
//! # async fn run() -> Result<(), fotograma_local::Error> {
//! let aws = fotograma_local::Local::start(fotograma_local::Config::default()).await?;
//! println!("{}", aws.url());
//! aws.stop().await;
//! # Ok(())
//! # }
//! ```

mod admin;
mod clock;
mod cognito;
mod cors;
mod db;
mod dispatch;
mod dynamodb;
mod error;
mod faults;
mod form;
mod http_types;
mod lent;
mod mail;
mod s3;
mod server;
mod ses;
mod sigv4;
mod sns;
mod sqs;
mod state;
mod sts;
mod target;
mod xml;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

pub use clock::Clock;
pub use faults::{Fault, FaultKind, Faults};

use state::State;

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

/// Why a local AWS did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The port is taken or may not be used.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}: {source}", path.display())]
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
    /// The state cannot be read.
    #[error("cannot open the state in {}: {reason}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        reason: String,
    },
}

/// A running local AWS. Dropping it ends it without ceremony; [`stop`](Self::stop) lets requests
/// finish. Either way nothing that was answered is lost.
pub struct Local {
    addr: SocketAddr,
    state: Arc<State>,
    server: Option<server::Server>,
}

impl Local {
    /// Starts, and returns once requests are answered.
    ///
    /// # Errors
    /// When the port or the data folder cannot be used.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let wanted = SocketAddr::new(config.host, config.port);
        let listen = |source| Error::Listen {
            addr: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let state = State::open(config, addr).await?;
        sqs::start(&state);
        sns::start(&state);
        s3::start(&state);
        let app = dispatch::App::new(Arc::clone(&state));
        let server = server::Server::start(listener, app, state.stopping.clone());
        Ok(Self {
            addr,
            state,
            server: Some(server),
        })
    }

    /// The address that is listened on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What to give an SDK as its endpoint.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// The clock, to be moved by tests.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// The fault layer, to be armed by tests.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Takes no more requests, finishes those under way, and closes the state.
    pub async fn stop(mut self) {
        self.state.stopping.cancel();
        if let Some(server) = self.server.take() {
            server.finished().await;
        }
        self.state.close().await;
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.state.stopping.cancel();
    }
}
