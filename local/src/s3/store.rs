//! The store behind the protocol: rows in the state database, bodies in one folder, and what follows
//! a change once it is committed: bodies kept or removed, queues woken.

use std::sync::Arc;

use rusqlite::Connection;

use super::blobs::{Blobs, Received};
use super::conditions::WriteConditions;
use super::error::{S3Failure, no_such_key};
use super::notifications::send_event;
use super::rows::{self, Object};
use crate::context::Context;
use crate::sqs::{QueueId, Sqs};

/// The store. Clones share it.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) context: Arc<Context>,
    pub(super) sqs: Arc<Sqs>,
    pub(super) blobs: Blobs,
}

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
            .read(move |connection| rows::find(connection, &bucket, &key))
            .await?;
        found.ok_or_else(|| no_such_key().into())
    }

    /// Runs a change of rows; what follows it happens right after the commit.
    pub(super) async fn write<T, F>(&self, received: Option<Received>, f: F) -> Result<T, S3Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Self) -> Result<(T, Effects), S3Failure> + Send + 'static,
    {
        let (store, then) = (self.clone(), self.clone());
        let follow = move |(_, effects): &(T, Effects)| {
            if let Some(received) = received {
                received.keep();
            }
            then.blobs.remove(effects.unnamed.clone());
            let queues = effects.queues.iter();
            queues.for_each(|queue| then.sqs.waiters.wake(*queue));
        };
        let db = &self.context.db;
        let (value, _) = db
            .write_then(move |connection| f(connection, &store), follow)
            .await?;
        Ok(value)
    }

    pub(super) async fn read<T, F>(&self, f: F) -> Result<T, S3Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, S3Failure> + Send + 'static,
    {
        self.context.db.read(f).await
    }
}

impl Store {
    fn send_event(
        &self,
        connection: &Connection,
        bucket: &str,
        key: &str,
        event: &str,
        object: Option<&Object>,
    ) -> Result<Vec<QueueId>, S3Failure> {
        let (context, queues) = (&self.context, &self.sqs.names);
        send_event(connection, context, queues, bucket, key, event, object)
    }
}

/// Writes an object's row in the place of any of the same key, with its event, if the conditions
/// hold.
pub(super) fn put_row(
    connection: &Connection,
    store: &Store,
    bucket: &str,
    key: &str,
    object: &Object,
    conditions: &WriteConditions,
    event: &str,
) -> Result<Effects, S3Failure> {
    let existing = rows::find(connection, bucket, key)?;
    conditions.check(existing.as_ref())?;
    rows::save(connection, bucket, key, object)?;
    Ok(Effects {
        unnamed: existing.map(|object| object.files()).unwrap_or_default(),
        queues: store.send_event(connection, bucket, key, event, Some(object))?,
    })
}

/// Removes an object's row, with its event. That it is not there is no failure.
pub(super) fn delete_row(
    connection: &Connection,
    store: &Store,
    bucket: &str,
    key: &str,
    conditions: &WriteConditions,
) -> Result<Effects, S3Failure> {
    let existing = rows::find(connection, bucket, key)?;
    conditions.check(existing.as_ref())?;
    let Some(existing) = existing else {
        return Ok(Effects::default());
    };
    rows::remove(connection, bucket, key)?;
    let event = "s3:ObjectRemoved:Delete";
    Ok(Effects {
        unnamed: existing.files(),
        queues: store.send_event(connection, bucket, key, event, None)?,
    })
}
