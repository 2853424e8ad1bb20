//! Changes of rows, and what follows them once they are committed: bodies kept or removed, queues
//! woken.

use std::sync::Arc;

use rusqlite::Connection;

use super::blobs::Received;
use super::conditions::WriteConditions;
use super::error::{S3Failure, no_such_key};
use super::store::{self, Object};
use super::{Store, events};
use crate::sqs::QueueId;
use crate::state::State;

/// What follows a change once it is committed.
#[derive(Default)]
pub(super) struct Effects {
    /// Files that no row names any more.
    pub(super) unnamed: Vec<String>,
    /// Queues that got an event.
    pub(super) queues: Vec<QueueId>,
}

impl Store {
    /// The object of a key, or `NoSuchKey`.
    pub(super) async fn find(&self, bucket: &str, key: &str) -> Result<Object, S3Failure> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let found = self
            .read(move |connection| store::find(connection, &bucket, &key))
            .await?;
        found.ok_or_else(|| no_such_key().into())
    }

    /// Runs a change of rows; what follows it happens right after the commit.
    pub(super) async fn write<T, F>(&self, received: Option<Received>, f: F) -> Result<T, S3Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &State) -> Result<(T, Effects), S3Failure> + Send + 'static,
    {
        let state = Arc::clone(&self.state);
        let then = Arc::clone(&self.state);
        let follow = move |(_, effects): &(T, Effects)| {
            if let Some(received) = received {
                received.keep();
            }
            then.blobs.remove(effects.unnamed.clone());
            effects
                .queues
                .iter()
                .for_each(|queue| then.sqs.wake(*queue));
        };
        let (value, _) = self
            .state
            .db
            .write_then(move |connection| f(connection, &state), follow)
            .await?;
        Ok(value)
    }

    pub(super) async fn read<T, F>(&self, f: F) -> Result<T, S3Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, S3Failure> + Send + 'static,
    {
        self.state.db.read(f).await
    }
}

/// Puts an object into its place, with its event, if the conditions hold.
pub(super) fn place(
    connection: &Connection,
    state: &State,
    bucket: &str,
    key: &str,
    object: &Object,
    conditions: &WriteConditions,
    event: &str,
) -> Result<Effects, S3Failure> {
    let existing = store::find(connection, bucket, key)?;
    conditions.check(existing.as_ref())?;
    store::save(connection, bucket, key, object)?;
    Ok(Effects {
        unnamed: existing.map(|object| object.files()).unwrap_or_default(),
        queues: events::emit(connection, state, bucket, key, event, Some(object))?,
    })
}

/// Removes an object, with its event. That it is not there is no failure.
pub(super) fn unplace(
    connection: &Connection,
    state: &State,
    bucket: &str,
    key: &str,
    conditions: &WriteConditions,
) -> Result<Effects, S3Failure> {
    let existing = store::find(connection, bucket, key)?;
    conditions.check(existing.as_ref())?;
    let Some(existing) = existing else {
        return Ok(Effects::default());
    };
    store::remove(connection, bucket, key)?;
    let event = "s3:ObjectRemoved:Delete";
    let queues = events::emit(connection, state, bucket, key, event, None)?;
    Ok(Effects {
        unnamed: existing.files(),
        queues,
    })
}
