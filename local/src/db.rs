//! The state of every service but `DynamoDB`, in one `SQLite` file.
//!
//! One thread writes. It takes all that waits, runs each closure in a savepoint of its own, commits
//! once for all of them, and only then answers: what was answered is on disk, and a burst of
//! small writes shares the cost of a commit. Readers have connections of their own and see only
//! what is committed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags, ffi};
use tokio::sync::{Semaphore, oneshot};

use crate::config::Error;

/// How many closures share one commit at most: enough to be cheap, few enough to answer soon.
const MAX_GROUP: usize = 256;
const READERS: usize = 4;

/// How hard a commit is pressed onto the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Survives the death of the process (WAL with `synchronous=NORMAL`).
    Crash,
    /// For a folder that is removed at the end anyway.
    None,
}

/// Answers a caller, with the error of the commit if that failed.
type Reply = Box<dyn FnOnce(Option<rusqlite::Error>) + Send>;
/// Runs in the writer; says whether to keep its effects.
type Job = Box<dyn FnOnce(&Connection) -> (bool, Reply) + Send>;

/// The database. Clones share it.
#[derive(Clone)]
pub(crate) struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
    free_readers: Arc<Semaphore>,
}

impl Db {
    /// Opens the file, or makes it, brings what an older program left up to date, and runs each
    /// schema (`CREATE … IF NOT EXISTS`).
    pub(crate) fn open(
        path: &Path,
        durability: Durability,
        schemas: &[&str],
    ) -> Result<Self, Error> {
        let state = |error: rusqlite::Error| Error::State {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let connection = Connection::open(path).map_err(state)?;
        let found = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(state)?;
        if found > VERSION {
            return Err(Error::NewerVersion {
                path: path.to_owned(),
                found,
                known: VERSION,
            });
        }
        Self::start_writer(connection, path, durability, schemas).map_err(state)
    }

    fn start_writer(
        connection: Connection,
        path: &Path,
        durability: Durability,
        schemas: &[&str],
    ) -> rusqlite::Result<Self> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let synchronous = match durability {
            Durability::Crash => "NORMAL",
            Durability::None => "OFF",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(256);
        migrate(&connection, schemas)?;
        let readers = (0..READERS)
            .map(|_| reader(path))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let (jobs, waiting) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("local-aws-writer".to_owned())
            .spawn(move || write_groups(&connection, &waiting))
            .map_err(|e| failure(&format!("no thread for the writer: {e}")))?;
        Ok(Self {
            inner: Arc::new(Inner {
                jobs: Mutex::new(Some(jobs)),
                writer: Mutex::new(Some(writer)),
                readers: Mutex::new(readers),
                free_readers: Arc::new(Semaphore::new(READERS)),
            }),
        })
    }

    /// Runs `f` in a transaction and answers once it is committed. An error from `f` undoes
    /// what it did. Once called, it happens, even if the caller goes away.
    pub(crate) async fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        self.write_then(f, |_| ()).await
    }

    /// Like [`write`](Self::write), and runs `then` right after the commit, whether or not the
    /// caller still listens: the place to wake those who wait for what was written.
    pub(crate) async fn write_then<T, E, F, N>(&self, f: F, then: N) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        N: FnOnce(&T) + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = f(connection);
            let keep = result.is_ok();
            let reply: Reply = Box::new(move |commit_error| {
                let result = match commit_error {
                    Some(error) if keep => Err(E::from(error)),
                    _ => result,
                };
                if let Ok(value) = &result {
                    then(value);
                }
                // The caller may have gone away.
                let _ = answer.send(result);
            });
            (keep, reply)
        });
        let sent = match &*lock(&self.inner.jobs) {
            Some(jobs) => jobs.send(job).is_ok(),
            None => false,
        };
        if !sent {
            return Err(E::from(failure("the database is closed")));
        }
        answered
            .await
            .unwrap_or_else(|_| Err(E::from(failure("the write did not end"))))
    }

    /// Runs `f` on a read-only connection, in one consistent view.
    pub(crate) async fn read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let Ok(permit) = Arc::clone(&self.inner.free_readers).acquire_owned().await else {
            return Err(E::from(failure("the database is closed")));
        };
        let task = tokio::task::spawn_blocking(move || {
            let connection = lock(&inner.readers).pop();
            let connection = connection.ok_or_else(|| failure("the database is closed"))?;
            let result = catch_unwind(AssertUnwindSafe(|| {
                let _view = connection.unchecked_transaction()?;
                f(&connection)
            }));
            lock(&inner.readers).push(connection);
            // Held until here, even if the caller has gone: it stands for the connection.
            drop(permit);
            result.unwrap_or_else(|_| Err(E::from(failure("the read panicked"))))
        });
        task.await
            .unwrap_or_else(|_| Err(E::from(failure("the read did not end"))))
    }

    /// Waits for what is queued, checkpoints the log into the file and closes. Blocks.
    pub(crate) fn close(&self) {
        lock(&self.inner.jobs).take();
        self.inner.free_readers.close();
        if let Some(writer) = lock(&self.inner.writer).take() {
            // A writer that panicked has already been reported.
            let _ = writer.join();
        }
        lock(&self.inner.readers).clear();
    }
}

/// The version of the tables that this program writes, kept in the file's `user_version`.
///
/// 1: not written into the file yet.
/// 2: configurations of buckets have a table of their own.
const VERSION: i64 = 2;

/// Brings the tables of an older program up to date, all or nothing.
fn migrate(connection: &Connection, schemas: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for schema in schemas {
        connection.execute_batch(schema)?;
    }
    let had_columns = connection
        .prepare("SELECT 1 FROM pragma_table_info('s3_bucket') WHERE name = 'notification'")?
        .exists([])?;
    if had_columns {
        connection.execute_batch(
            "INSERT OR IGNORE INTO s3_bucket_config (bucket, name, value)
                 SELECT name, 'cors', cors FROM s3_bucket WHERE cors IS NOT NULL
                 UNION ALL SELECT name, 'notification', notification FROM s3_bucket
                     WHERE notification IS NOT NULL;
             ALTER TABLE s3_bucket DROP COLUMN cors;
             ALTER TABLE s3_bucket DROP COLUMN notification;",
        )?;
    }
    connection.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

fn write_groups(connection: &Connection, waiting: &mpsc::Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let group = std::iter::once(first)
            .chain(waiting.try_iter())
            .take(MAX_GROUP);
        let mut replies = Vec::new();
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            tracing::error!(%error, "no transaction could begin");
            // Dropped unanswered, which tells each caller that the write did not end.
            group.for_each(drop);
            continue;
        }
        let mut failed = None;
        for job in group {
            match run_in_savepoint(connection, job) {
                Ok(reply) => replies.push(reply),
                Err(error) => failed = Some(error),
            }
        }
        let committed = match failed {
            None => connection.execute_batch("COMMIT"),
            Some(error) => Err(error),
        };
        if let Err(error) = &committed {
            tracing::error!(%error, "a commit failed");
            if !connection.is_autocommit() {
                let _ = connection.execute_batch("ROLLBACK");
            }
        }
        for reply in replies {
            reply(
                committed
                    .as_ref()
                    .err()
                    .map(|error| failure(&error.to_string())),
            );
        }
    }
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "the log was not folded into the database; the next start does it");
    }
}

/// Runs one closure; if it fails or panics, only its own effects are undone.
fn run_in_savepoint(connection: &Connection, job: Job) -> rusqlite::Result<Reply> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    // A panic leaves nothing half done: the savepoint is rolled back, and the caller is told by
    // the dropped channel.
    let (keep, reply) = catch_unwind(AssertUnwindSafe(|| job(connection)))
        .unwrap_or_else(|_| (false, Box::new(|_| ())));
    if !keep {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    Ok(reply)
}

fn failure(message: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(message.to_owned()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
