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
mod query;
mod queue;
mod receipt;
mod receive;
mod send;
mod wait;

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::ServiceError;
use crate::service::{Call, Input, Reply, Service, ServiceName};

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
pub(crate) struct QueueNames {
    account: String,
    /// The ARN of a queue without its name.
    arn_prefix: String,
    /// The address of this server.
    base_url: String,
}

impl QueueNames {
    fn arn(&self, name: &str) -> String {
        format!("{}{name}", self.arn_prefix)
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.base_url, self.account)
    }
}

/// The service. Others put messages into its queues by [`enqueue`], in transactions of theirs, and
/// wake who waits for them.
pub(crate) struct Sqs {
    context: Arc<Context>,
    pub(crate) names: QueueNames,
    pub(crate) waiters: Waiters,
}

impl Sqs {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            names: QueueNames {
                account: context.config.account.clone(),
                arn_prefix: context.arn("sqs", ""),
                base_url: context.url.clone(),
            },
            waiters: Waiters::default(),
        }
    }
}

#[async_trait]
impl Service for Sqs {
    fn name(&self) -> ServiceName {
        ServiceName::Sqs
    }

    /// Takes up the message moves that a stop interrupted, and clears away what has expired.
    fn start_tasks(self: Arc<Self>) {
        move_task::resume(&self);
        let sweep = queue::sweep_expired(Arc::clone(&self.context));
        self.context.tasks.spawn(sweep);
    }

    async fn run_operation(self: Arc<Self>, call: Call) -> Result<Reply, ServiceError> {
        match &call.input {
            Input::Json(_) => {
                let reply = self.run_json(&call.operation, &call.json()?).await?;
                Ok(Reply::Json(reply))
            }
            Input::Form { fields, path } => {
                let url = format!("{}{path}", self.context.url);
                let request = query::to_json(&call.operation, fields, &url);
                let reply = self.run_json(&call.operation, &request).await?;
                Ok(Reply::Xml(query::to_xml(&call.operation, &reply)))
            }
        }
    }
}

impl Sqs {
    async fn run_json(
        self: &Arc<Self>,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ServiceError> {
        match operation {
            "SendMessage" => self.write_and_wake(input, send::send).await,
            "SendMessageBatch" => self.write_and_wake(input, send::send_batch).await,
            "ReceiveMessage" => receive::receive(self, parse(input)?).await,
            "DeleteMessage" => self.write(input, acknowledge::delete).await,
            "DeleteMessageBatch" => self.write(input, acknowledge::delete_batch).await,
            "ChangeMessageVisibility" => {
                let change = acknowledge::change_visibility;
                self.write_and_wake(input, change).await
            }
            "ChangeMessageVisibilityBatch" => {
                let change = acknowledge::change_visibility_batch;
                self.write_and_wake(input, change).await
            }
            "CreateQueue" => self.write(input, queue::create).await,
            "DeleteQueue" => self.write_and_wake(input, queue::delete).await,
            "GetQueueUrl" => self.read(input, queue::get_url).await,
            "SetQueueAttributes" => self.write_and_wake(input, queue::set_attributes).await,
            "GetQueueAttributes" => self.read(input, describe::get_attributes).await,
            "ListQueues" => self.read(input, describe::list).await,
            "PurgeQueue" => self.write(input, describe::purge).await,
            "StartMessageMoveTask" => move_task::start_move(self, parse(input)?).await,
            "ListMessageMoveTasks" => self.read(input, move_task::list).await,
            _ => Err(ServiceError::unknown_operation("sqs", operation)),
        }
    }

    async fn read<R: DeserializeOwned + Send + 'static>(
        &self,
        input: &Value,
        operation: Operation<R, Value>,
    ) -> Result<Value, ServiceError> {
        let (names, request) = (self.names.clone(), parse::<R>(input)?);
        let now_ms = self.context.clock.now_ms();
        let run = move |conn: &Connection| operation(conn, &names, &request, now_ms);
        self.context.db.read(run).await
    }

    async fn write<R: DeserializeOwned + Send + 'static>(
        &self,
        input: &Value,
        operation: Operation<R, Value>,
    ) -> Result<Value, ServiceError> {
        let (names, request) = (self.names.clone(), parse::<R>(input)?);
        let now_ms = self.context.clock.now_ms();
        let run = move |conn: &Connection| operation(conn, &names, &request, now_ms);
        self.context.db.write(run).await
    }

    /// For what may end a wait for messages of the queue that the operation names.
    async fn write_and_wake<R: DeserializeOwned + Send + 'static>(
        &self,
        input: &Value,
        operation: Operation<R, (QueueId, Value)>,
    ) -> Result<Value, ServiceError> {
        let (names, request) = (self.names.clone(), parse::<R>(input)?);
        let (waiters, now_ms) = (self.waiters.clone(), self.context.clock.now_ms());
        let run = move |conn: &Connection| operation(conn, &names, &request, now_ms);
        let wake = move |(queue, _): &(QueueId, Value)| waiters.wake(*queue);
        let (_, reply) = self.context.db.write_then(run, wake).await?;
        Ok(reply)
    }
}

/// An operation inside a transaction: names, request, now.
type Operation<R, T> = fn(&Connection, &QueueNames, &R, i64) -> Result<T, ServiceError>;

fn parse<R: DeserializeOwned>(input: &Value) -> Result<R, ServiceError> {
    Ok(R::deserialize(input)?)
}

/// The reply of operations that have nothing to tell.
fn nothing() -> Value {
    json!({})
}

#[cfg(test)]
mod tests;
