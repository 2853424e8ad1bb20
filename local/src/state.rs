//! What all services of one local AWS share.

use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::db::{Db, Durability};
use crate::{Clock, Config, Error, Faults, cognito, dynamodb, mail, s3, sns, sqs};

/// The shared state; services take it as `&Arc<State>`.
pub(crate) struct State {
    pub(crate) config: Config,
    /// The endpoint's address, without a slash at the end.
    pub(crate) url: String,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) sqs: sqs::Waiters,
    pub(crate) sns: sns::Waiters,
    pub(crate) cognito: cognito::Keys,
    pub(crate) blobs: s3::Blobs,
    pub(crate) dynamodb: dynamodb::Engine,
    /// Cancelled when the end has come: long polls answer, loops return.
    pub(crate) stopping: CancellationToken,
    /// Loops in the background; they are waited for before the database closes.
    pub(crate) tasks: TaskTracker,
    /// Held for as long as the folder is ours.
    _lock: File,
    _ephemeral: Option<TempDir>,
}

impl State {
    /// Opens the folder and all that is in it.
    pub(crate) async fn open(config: Config, addr: SocketAddr) -> Result<Arc<Self>, Error> {
        let url = config
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{addr}"));
        let url = url.trim_end_matches('/').to_owned();
        let clock = Clock::default();
        let stopping = CancellationToken::new();
        let folder = Folder::open(config.data_dir.as_deref())?;
        let db_path = folder.path.join("state.db");
        let schemas = [
            sqs::SCHEMA,
            sns::SCHEMA,
            s3::SCHEMA,
            cognito::SCHEMA,
            mail::SCHEMA,
        ];
        let db = Db::open(&db_path, folder.durability, &schemas).map_err(|e| Error::State {
            path: db_path,
            reason: e.to_string(),
        })?;
        let blobs =
            s3::Blobs::open(&folder.path.join("blobs")).map_err(|source| Error::Folder {
                path: folder.path.clone(),
                source,
            })?;
        let dynamodb =
            dynamodb::Engine::start(&folder.path.join("dynamodb.db"), &clock, &stopping).await?;
        Ok(Arc::new(Self {
            config,
            url,
            db,
            clock,
            faults: Faults::default(),
            sqs: sqs::Waiters::default(),
            sns: sns::Waiters::default(),
            cognito: cognito::Keys::default(),
            blobs,
            dynamodb,
            stopping,
            tasks: TaskTracker::new(),
            _lock: folder.lock,
            _ephemeral: folder.ephemeral,
        }))
    }

    /// Waits for the background and closes the databases.
    pub(crate) async fn close(self: &Arc<Self>) {
        self.tasks.close();
        self.tasks.wait().await;
        let state = Arc::clone(self);
        let closed = tokio::task::spawn_blocking(move || {
            state.dynamodb.join();
            state.db.close();
        });
        if let Err(error) = closed.await {
            tracing::error!(%error, "the state was not closed cleanly; nothing answered is lost");
        }
    }

    /// The name of a resource of ours: `arn:aws:<service>:<region>:<account>:<name>`.
    pub(crate) fn arn(&self, service: &str, name: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{name}",
            self.config.region, self.config.account
        )
    }
}

struct Folder {
    path: PathBuf,
    durability: Durability,
    lock: File,
    ephemeral: Option<TempDir>,
}

impl Folder {
    fn open(wanted: Option<&Path>) -> Result<Self, Error> {
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
        fs::create_dir_all(&path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let durability = if ephemeral.is_some() {
            Durability::None
        } else {
            Durability::Crash
        };
        Ok(Self {
            path,
            durability,
            lock,
            ephemeral,
        })
    }
}
