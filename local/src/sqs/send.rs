//! Messages on their way in: `SendMessage`, its batch, and what other services enqueue.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::attributes::{DELAY, MAX_SIZE};
use super::batch::{self, Entry};
use super::message::{self, MessageAttributes};
use super::queue::Queue;
use super::{QueueId, QueueNames, error};
use crate::error::ServiceError;

/// One message as a caller hands it in.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Outgoing {
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: MessageAttributes,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Send {
    queue_url: Option<String>,
    #[serde(flatten)]
    message: Outgoing,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<SendEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEntry {
    #[serde(default)]
    id: String,
    #[serde(flatten)]
    message: Outgoing,
}

impl Entry for SendEntry {
    fn id(&self) -> &str {
        &self.id
    }
}

pub(super) fn send(
    conn: &Connection,
    names: &QueueNames,
    request: &Send,
    now_ms: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    Ok((
        queue.id,
        put(conn, names, &queue, &request.message, now_ms)?,
    ))
}

pub(super) fn send_batch(
    conn: &Connection,
    names: &QueueNames,
    request: &SendBatch,
    now_ms: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    batch::check(&request.entries, "SendMessageBatchRequestEntry")?;
    let size =
        |e: &SendEntry| message::size(&e.message.message_body, &e.message.message_attributes);
    let total: i64 = request.entries.iter().map(size).sum();
    if total > MAX_SIZE.highest() {
        return Err(error::batch_too_long(MAX_SIZE.highest(), total));
    }
    let reply = batch::run_each(&request.entries, |entry| {
        put(conn, names, &queue, &entry.message, now_ms)
    })?;
    Ok((queue.id, reply))
}

fn put(
    conn: &Connection,
    names: &QueueNames,
    queue: &Queue,
    outgoing: &Outgoing,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let (body, attributes) = (&outgoing.message_body, &outgoing.message_attributes);
    message::check(body, attributes)?;
    let limit = queue.attributes.number(&MAX_SIZE);
    if message::size(body, attributes) > limit {
        let reason = format!("Message must be shorter than {limit} bytes.");
        return Err(error::invalid_parameter(format!(
            "One or more parameters are invalid. Reason: {reason}"
        )));
    }
    let delay = match outgoing.delay_seconds {
        Some(seconds) => DELAY.check(seconds)?,
        None => queue.attributes.number(&DELAY),
    };
    let system = system_attributes(names, outgoing)?;
    let message_id = Uuid::new_v4().to_string();
    insert(
        conn,
        queue.id,
        &message_id,
        outgoing,
        &system,
        now_ms,
        delay * 1_000,
    )?;
    let mut reply = json!({
        "MessageId": message_id,
        "MD5OfMessageBody": message::md5_of_body(body),
    });
    if let Some(md5) = message::md5_of_attributes(attributes) {
        reply["MD5OfMessageAttributes"] = md5.into();
    }
    if let Some(md5) = message::md5_of_attributes(&outgoing.message_system_attributes) {
        reply["MD5OfMessageSystemAttributes"] = md5.into();
    }
    Ok(reply)
}

/// The system attributes that are known when a message comes in.
fn system_attributes(
    names: &QueueNames,
    outgoing: &Outgoing,
) -> Result<BTreeMap<&'static str, String>, ServiceError> {
    let of_fifo = [
        (&outgoing.message_group_id, "MessageGroupId"),
        (&outgoing.message_deduplication_id, "MessageDeduplicationId"),
    ];
    if let Some((_, name)) = of_fifo.iter().find(|(value, _)| value.is_some()) {
        return Err(error::unsupported(format!("{name} is not served here.")));
    }
    let mut system = BTreeMap::from([("SenderId", names.account.clone())]);
    for (name, attribute) in &outgoing.message_system_attributes {
        match (name.as_str(), &attribute.string_value) {
            ("AWSTraceHeader", Some(value)) => {
                system.insert("AWSTraceHeader", value.clone());
            }
            _ => {
                return Err(error::invalid_parameter(format!(
                    "Message system attribute name '{name}' is invalid."
                )));
            }
        }
    }
    Ok(system)
}

fn insert(
    conn: &Connection,
    queue: QueueId,
    message_id: &str,
    outgoing: &Outgoing,
    system: &BTreeMap<&'static str, String>,
    now_ms: i64,
    delay_ms: i64,
) -> Result<(), ServiceError> {
    let attributes = &outgoing.message_attributes;
    let attributes = if attributes.is_empty() {
        None
    } else {
        Some(serde_json::to_string(attributes)?)
    };
    conn.prepare_cached(
        "INSERT INTO sqs_message (queue, message_id, sent_ms, visible_ms, system, attributes, body)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        queue,
        message_id,
        now_ms,
        now_ms + delay_ms,
        serde_json::to_string(system)?,
        attributes,
        outgoing.message_body
    ])?;
    Ok(())
}

/// Puts a message of another service into the queue with this ARN, inside the caller's
/// transaction. The caller wakes the queue's waiters once that is committed.
///
/// # Errors
/// `QueueDoesNotExist`, or what `SendMessage` would refuse.
pub(crate) fn enqueue(
    conn: &Connection,
    names: &QueueNames,
    queue_arn: &str,
    body: String,
    attributes: MessageAttributes,
    now_ms: i64,
) -> Result<QueueId, ServiceError> {
    let queue = Queue::with_arn(conn, names, queue_arn)?.ok_or_else(error::no_such_queue)?;
    let outgoing = Outgoing {
        message_body: body,
        message_attributes: attributes,
        ..Outgoing::default()
    };
    put(conn, names, &queue, &outgoing, now_ms)?;
    Ok(queue.id)
}
