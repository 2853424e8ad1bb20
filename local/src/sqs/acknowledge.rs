//! What a consumer says about a message it holds: done with it, or how much longer it needs.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::Value;

use super::attributes::VISIBILITY;
use super::batch::{self, Entry};
use super::queue::Queue;
use super::receipt::Receipt;
use super::{QueueId, QueueNames, error, nothing};
use crate::error::ServiceError;

/// One message: alone, or as an entry of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceivedMessage {
    #[serde(default)]
    id: String,
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

impl ReceivedMessage {
    fn receipt(&self, queue: QueueId) -> Result<Receipt, ServiceError> {
        let handle = self.receipt_handle.as_deref();
        Receipt::from_handle(
            handle.ok_or_else(|| error::missing("ReceiptHandle"))?,
            queue,
        )
    }
}

impl Entry for ReceivedMessage {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceivedBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<ReceivedMessage>,
}

pub(super) fn delete(
    conn: &Connection,
    names: &QueueNames,
    request: &ReceivedMessage,
    _: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    delete_one(conn, queue.id, request)
}

pub(super) fn delete_batch(
    conn: &Connection,
    names: &QueueNames,
    request: &ReceivedBatch,
    _: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    batch::check(&request.entries, "DeleteMessageBatchRequestEntry")?;
    batch::run_each(&request.entries, |entry| delete_one(conn, queue.id, entry))
}

/// Deleting twice succeeds, and so, without effect, does deleting with the handle of an earlier
/// receipt: by then somebody else may hold the message.
fn delete_one(
    conn: &Connection,
    queue: QueueId,
    message: &ReceivedMessage,
) -> Result<Value, ServiceError> {
    let receipt = message.receipt(queue)?;
    conn.prepare_cached("DELETE FROM sqs_message WHERE id = ? AND queue = ? AND receipt = ?")?
        .execute(params![receipt.row, queue, receipt.nonce])?;
    Ok(nothing())
}

pub(super) fn change_visibility(
    conn: &Connection,
    names: &QueueNames,
    request: &ReceivedMessage,
    now_ms: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    Ok((queue.id, change_one(conn, queue.id, request, now_ms)?))
}

pub(super) fn change_visibility_batch(
    conn: &Connection,
    names: &QueueNames,
    request: &ReceivedBatch,
    now_ms: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    batch::check(&request.entries, "ChangeMessageVisibilityBatchRequestEntry")?;
    let reply = batch::run_each(&request.entries, |entry| {
        change_one(conn, queue.id, entry, now_ms)
    })?;
    Ok((queue.id, reply))
}

/// The longest that a message may stay invisible after it was received.
const MAX_HIDDEN_MS: i64 = 43_200_000;

fn change_one(
    conn: &Connection,
    queue: QueueId,
    message: &ReceivedMessage,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let receipt = message.receipt(queue)?;
    let seconds = message
        .visibility_timeout
        .ok_or_else(|| error::missing("VisibilityTimeout"))?;
    let visible_ms = now_ms + VISIBILITY.check(seconds)? * 1_000;
    let current = conn
        .prepare_cached(
            "SELECT visible_ms, received_ms FROM sqs_message
             WHERE id = ? AND queue = ? AND receipt = ?",
        )?
        .query_row(params![receipt.row, queue, receipt.nonce], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    let Some((invisible_until, received_ms)) = current else {
        return Err(error::invalid_value(
            "ReceiptHandle",
            message.receipt_handle.as_deref().unwrap_or_default(),
            "Message does not exist or is not available for visibility timeout change.",
        ));
    };
    if invisible_until <= now_ms {
        return Err(error::not_in_flight());
    }
    if visible_ms > received_ms + MAX_HIDDEN_MS {
        let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
        return Err(error::invalid_value("VisibilityTimeout", seconds, reason));
    }
    conn.prepare_cached("UPDATE sqs_message SET visible_ms = ? WHERE id = ?")?
        .execute(params![visible_ms, receipt.row])?;
    Ok(nothing())
}
