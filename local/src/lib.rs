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

mod activity;
mod admin;
mod browsers;
mod clock;
mod cognito;
mod config;
mod context;
mod db;
mod dispatch;
mod drained_body;
mod dynamodb;
mod error;
mod faults;
mod folder;
mod form;
mod http_types;
mod mail;
mod s3;
mod server;
mod service;
mod ses;
mod sigv4;
mod sns;
mod sqs;
mod sts;
mod target;
mod xml;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use activity::Activity;
pub use clock::Clock;
pub use config::{Config, Error};
pub use faults::{Fault, FaultKind, Faults};
pub use service::ServiceName;

use activity::Requests;
use context::Context;
use db::{Db, Durability};
use folder::DataFolder;
use service::Service;

/// A running local AWS. Dropping it ends it without ceremony; [`stop`](Self::stop) lets requests
/// finish. Either way nothing that was answered is lost.
pub struct Local {
    addr: SocketAddr,
    context: Arc<Context>,
    dynamodb: Arc<dynamodb::Engine>,
    server: Option<server::Server>,
    _folder: DataFolder,
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
        let folder = DataFolder::open(config.data_dir.as_deref())?;
        let context = Arc::new(open_context(config, addr, &folder)?);
        let dynamodb = dynamodb::Engine::open(&folder.database("dynamodb.db")?, &context.clock)?;
        let dynamodb = Arc::new(dynamodb);
        let sqs = Arc::new(sqs::Sqs::new(&context));
        let cognito = Arc::new(cognito::Cognito::new(&context));
        let services: Vec<Arc<dyn Service>> = vec![
            sqs.clone(),
            Arc::new(sns::Sns::new(&context, &sqs)),
            dynamodb.clone(),
            cognito.clone(),
            Arc::new(ses::Ses {
                context: context.clone(),
            }),
            Arc::new(sts::Sts {
                context: context.clone(),
            }),
        ];
        for service in &services {
            Arc::clone(service).start_tasks();
        }
        let app = dispatch::App {
            context: context.clone(),
            s3: s3::S3::open(&context, &sqs, &folder.folder("blobs")?),
            cognito,
            services: services.into(),
        };
        let server = server::Server::start_accepting(listener, app, context.stopping.clone());
        Ok(Self {
            addr,
            context,
            dynamodb,
            server: Some(server),
            _folder: folder,
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
        &self.context.url
    }

    /// The clock, to be moved by tests.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.context.clock
    }

    /// What it is doing just now.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.context.requests.activity()
    }

    /// The fault layer, to be armed by tests.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.context.faults
    }

    /// Takes no more requests, finishes those under way, and closes the state.
    pub async fn stop(mut self) {
        self.context.stopping.cancel();
        self.context.faults.clear();
        if let Some(server) = self.server.take() {
            server.finished().await;
        }
        self.context.tasks.close();
        self.context.tasks.wait().await;
        let (context, dynamodb) = (self.context.clone(), self.dynamodb.clone());
        let closed = tokio::task::spawn_blocking(move || {
            dynamodb.close();
            context.db.close();
        });
        if let Err(error) = closed.await {
            tracing::error!(%error, "the state was not closed cleanly; nothing answered is lost");
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.context.stopping.cancel();
        self.context.faults.clear();
    }
}

fn open_context(config: Config, addr: SocketAddr, folder: &DataFolder) -> Result<Context, Error> {
    let public_url = config.public_url.clone();
    let url = public_url.unwrap_or_else(|| format!("http://{addr}"));
    let durability = if folder.is_ephemeral() {
        Durability::None
    } else {
        Durability::Crash
    };
    let schemas = [
        sqs::SCHEMA,
        sns::SCHEMA,
        s3::SCHEMA,
        cognito::SCHEMA,
        mail::SCHEMA,
    ];
    let clock = Clock::default();
    let requests = Requests::default();
    Ok(Context {
        db: Db::open(&folder.database("state.db")?, durability, &schemas)?,
        config,
        url: url.trim_end_matches('/').to_owned(),
        faults: Faults::new(&clock, &requests),
        clock,
        requests,
        stopping: CancellationToken::new(),
        tasks: TaskTracker::new(),
    })
}
