//! SQS: standard queues in `SQLite`.
//!
//! A message is a row. Its `visible_ms` says from when on it may be received, which is all that
//! delay, visibility and giving back come down to; the index on it makes a receipt independent of
//! the backlog. Whatever is answered has been committed.

mod acknowledge;
mod attributes;
mod batch;
mod describe;
mod error;
mod message;
mod move_task;
mod move_tasks;
mod page;
pub(crate) mod query;
mod queue;
mod receipt;
mod receive;
mod redrive;
mod retention;
mod send;
mod wait;

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::ServiceError;
use crate::state::State;

pub(crate) use message::{MessageAttribute, MessageAttributes, check_attributes, size};
pub(crate) use send::enqueue;
pub(crate) use wait::Waiters;

/// `queue_receives` counts towards the redrive of the queue a message is in, `receives` is what
/// consumers are told. `receipt` is the number of the last receipt, absent before the first.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS sqs_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    purged_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS sqs_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue INTEGER NOT NULL REFERENCES sqs_queue(id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    receipt INTEGER,
    received_ms INTEGER,
    receives INTEGER NOT NULL DEFAULT 0,
    queue_receives INTEGER NOT NULL DEFAULT 0,
    first_received_ms INTEGER,
    system TEXT NOT NULL,
    attributes TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sqs_message_visible
    ON sqs_message (queue, visible_ms, sent_ms, receipt);
CREATE TABLE IF NOT EXISTS sqs_move_task (
    handle TEXT PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sqs_queue(id) ON DELETE CASCADE,
    source_arn TEXT NOT NULL,
    destination_arn TEXT,
    per_second INTEGER,
    status TEXT NOT NULL,
    failure TEXT,
    moved INTEGER NOT NULL DEFAULT 0,
    to_move INTEGER NOT NULL,
    started_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sqs_move_task_source ON sqs_move_task (source, started_ms);
";

/// A queue's row. It is never reused, so that a handle of a deleted queue fits no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct QueueId(i64);

impl ToSql for QueueId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for QueueId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

/// How queues are named to the outside.
#[derive(Debug, Clone)]
pub(crate) struct Sqs {
    account: String,
    /// The ARN of a queue without its name.
    arn_prefix: String,
    /// The address of this server.
    base_url: String,
}

impl Sqs {
    pub(crate) fn of(state: &State) -> Self {
        Self {
            account: state.config.account.clone(),
            arn_prefix: state.arn("sqs", ""),
            base_url: state.url.clone(),
        }
    }

    fn arn(&self, name: &str) -> String {
        format!("{}{name}", self.arn_prefix)
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.base_url, self.account)
    }
}

/// Takes up the message moves that a stop interrupted, and clears away what has expired.
pub(crate) fn start(state: &Arc<State>) {
    move_task::resume(state);
    state.tasks.spawn(retention::sweep(Arc::clone(state)));
}

/// Runs an operation of the JSON protocol.
pub(crate) async fn handle(
    state: &Arc<State>,
    operation: &str,
    input: &Value,
) -> Result<Value, ServiceError> {
    use queue::Named;
    match operation {
        "SendMessage" => write_and_wake(state, input, send::send).await,
        "SendMessageBatch" => write_and_wake(state, input, send::send_batch).await,
        "ReceiveMessage" => receive::receive(state, parse(input)?).await,
        "DeleteMessage" => write(state, input, acknowledge::delete).await,
        "DeleteMessageBatch" => write(state, input, acknowledge::delete_batch).await,
        "ChangeMessageVisibility" => {
            write_and_wake(state, input, acknowledge::change_visibility).await
        }
        "ChangeMessageVisibilityBatch" => {
            write_and_wake(state, input, acknowledge::change_visibility_batch).await
        }
        "CreateQueue" => write(state, input, queue::create).await,
        "DeleteQueue" => write_and_wake(state, input, queue::delete).await,
        "GetQueueUrl" => read(state, input, queue::get_url).await,
        "SetQueueAttributes" => write_and_wake(state, input, queue::set_attributes).await,
        "GetQueueAttributes" => read(state, input, describe::get_attributes).await,
        "ListQueues" => read(state, input, describe::list).await,
        "ListDeadLetterSourceQueues" => read(state, input, describe::list_sources).await,
        "PurgeQueue" => write(state, input, describe::purge).await,
        "TagQueue" => write(state, input, describe::tag).await,
        "UntagQueue" => write(state, input, describe::untag).await,
        "ListQueueTags" => read::<Named>(state, input, describe::list_tags).await,
        "StartMessageMoveTask" => move_task::start(state, parse(input)?).await,
        "CancelMessageMoveTask" => write(state, input, move_tasks::cancel).await,
        "ListMessageMoveTasks" => read(state, input, move_tasks::list).await,
        _ => Err(ServiceError::unknown_operation("sqs", operation)),
    }
}

fn parse<R: DeserializeOwned>(input: &Value) -> Result<R, ServiceError> {
    Ok(R::deserialize(input)?)
}

/// An operation inside a transaction: names, request, now.
type Operation<R, T> = fn(&Connection, &Sqs, &R, i64) -> Result<T, ServiceError>;

async fn read<R: DeserializeOwned + Send + 'static>(
    state: &Arc<State>,
    input: &Value,
    operation: Operation<R, Value>,
) -> Result<Value, ServiceError> {
    let (sqs, request, now_ms) = (Sqs::of(state), parse::<R>(input)?, state.clock.now_ms());
    state
        .db
        .read(move |conn| operation(conn, &sqs, &request, now_ms))
        .await
}

async fn write<R: DeserializeOwned + Send + 'static>(
    state: &Arc<State>,
    input: &Value,
    operation: Operation<R, Value>,
) -> Result<Value, ServiceError> {
    let (sqs, request, now_ms) = (Sqs::of(state), parse::<R>(input)?, state.clock.now_ms());
    state
        .db
        .write(move |conn| operation(conn, &sqs, &request, now_ms))
        .await
}

/// For what may end a wait for messages of the queue that the operation names.
async fn write_and_wake<R: DeserializeOwned + Send + 'static>(
    state: &Arc<State>,
    input: &Value,
    operation: Operation<R, (QueueId, Value)>,
) -> Result<Value, ServiceError> {
    let (sqs, request, now_ms) = (Sqs::of(state), parse::<R>(input)?, state.clock.now_ms());
    let waiters = state.sqs.clone();
    let run = move |conn: &Connection| operation(conn, &sqs, &request, now_ms);
    let (_, reply) = state
        .db
        .write_then(run, move |(queue, _)| waiters.wake(*queue))
        .await?;
    Ok(reply)
}

/// The reply of operations that have nothing to tell.
fn nothing() -> Value {
    json!({})
}

#[cfg(test)]
mod tests;
