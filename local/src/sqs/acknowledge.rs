//! What a consumer says about a message it holds: done with it, or how much longer it needs.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::Value;

use super::attributes::VISIBILITY;
use super::batch::{self, Entry};
use super::queue::Queue;
use super::receipt::Receipt;
use super::{QueueId, Sqs, error, nothing};
use crate::error::ServiceError;

/// One message: alone, or as an entry of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Held {
    #[serde(default)]
    id: String,
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

impl Held {
    fn receipt(&self, queue: QueueId) -> Result<Receipt, ServiceError> {
        let handle = self.receipt_handle.as_deref();
        Receipt::parse(
            handle.ok_or_else(|| error::missing("ReceiptHandle"))?,
            queue,
        )
    }
}

impl Entry for Held {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HeldBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<Held>,
}

pub(super) fn delete(
    conn: &Connection,
    sqs: &Sqs,
    request: &Held,
    _: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    delete_one(conn, queue.id, request)
}

pub(super) fn delete_batch(
    conn: &Connection,
    sqs: &Sqs,
    request: &HeldBatch,
    _: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    batch::check(&request.entries, "DeleteMessageBatchRequestEntry")?;
    batch::run(&request.entries, |entry| delete_one(conn, queue.id, entry))
}

/// Deleting twice succeeds, and so, without effect, does deleting with the handle of an earlier
/// receipt: by then somebody else may hold the message.
fn delete_one(conn: &Connection, queue: QueueId, held: &Held) -> Result<Value, ServiceError> {
    let receipt = held.receipt(queue)?;
    conn.prepare_cached("DELETE FROM sqs_message WHERE id = ? AND queue = ? AND receipt = ?")?
        .execute(params![receipt.row, queue, receipt.nonce])?;
    Ok(nothing())
}

pub(super) fn change_visibility(
    conn: &Connection,
    sqs: &Sqs,
    request: &Held,
    now_ms: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    Ok((queue.id, change_one(conn, queue.id, request, now_ms)?))
}

pub(super) fn change_visibility_batch(
    conn: &Connection,
    sqs: &Sqs,
    request: &HeldBatch,
    now_ms: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    batch::check(&request.entries, "ChangeMessageVisibilityBatchRequestEntry")?;
    let reply = batch::run(&request.entries, |entry| {
        change_one(conn, queue.id, entry, now_ms)
    })?;
    Ok((queue.id, reply))
}

/// The longest that a message may stay invisible after it was received.
const LONGEST_HOLD_MS: i64 = 43_200_000;

fn change_one(
    conn: &Connection,
    queue: QueueId,
    held: &Held,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let receipt = held.receipt(queue)?;
    let seconds = held
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
            held.receipt_handle.as_deref().unwrap_or_default(),
            "Message does not exist or is not available for visibility timeout change.",
        ));
    };
    if invisible_until <= now_ms {
        return Err(error::not_in_flight());
    }
    if visible_ms > received_ms + LONGEST_HOLD_MS {
        let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
        return Err(error::invalid_value("VisibilityTimeout", seconds, reason));
    }
    conn.prepare_cached("UPDATE sqs_message SET visible_ms = ? WHERE id = ?")?
        .execute(params![visible_ms, receipt.row])?;
    Ok(nothing())
}
