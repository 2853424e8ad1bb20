//! `ReceiveMessage`: what is visible now, or a long poll until something is. A message that was
//! received too often goes to the dead-letter queue instead.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::attributes::{RedrivePolicy, VISIBILITY, WAIT};
use super::message::{self, MessageAttributes};
use super::queue::Queue;
use super::receipt::Receipt;
use super::{QueueId, QueueNames, Sqs, Waiters, error};
use crate::error::ServiceError;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive {
    queue_url: Option<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

/// Answers with messages as soon as there are any, at the latest when the wait is over or the
/// server stops. An idle wait costs nothing: it sleeps until something is sent, until the next
/// message becomes visible, or until its end.
pub(super) async fn receive(sqs: &Sqs, request: Receive) -> Result<Value, ServiceError> {
    let mut end = None;
    let request = Arc::new(request);
    loop {
        let mut taken = look(sqs, &request).await?;
        let now_ms = sqs.context.clock.now_ms();
        let (deadline_ms, end) = *end.get_or_insert_with(|| {
            let wait = Duration::from_millis(taken.wait_ms.try_into().unwrap_or_default());
            (now_ms + taken.wait_ms, Instant::now() + wait)
        });
        if !taken.messages.is_empty() || now_ms >= deadline_ms || Instant::now() >= end {
            return Ok(if taken.messages.is_empty() {
                json!({})
            } else {
                json!({ "Messages": taken.messages })
            });
        }
        let until_ms = taken
            .next_visible_ms
            .map_or(deadline_ms, |next| next.min(deadline_ms));
        let wait = async {
            tokio::select! {
                // An error says that the queue is gone; the next look tells the caller.
                _ = taken.arrivals.changed() => {}
                () = sqs.context.clock.sleep_until(until_ms) => {}
                // Where the clock has gone back.
                () = tokio::time::sleep_until(end) => {}
                () = sqs.context.stopping.cancelled() => {}
            }
        };
        sqs.context.requests.polling(wait).await;
        if sqs.context.stopping.is_cancelled() {
            return Ok(json!({}));
        }
    }
}

async fn look(sqs: &Sqs, request: &Arc<Receive>) -> Result<Taken, ServiceError> {
    let (names, request) = (sqs.names.clone(), Arc::clone(request));
    let now_ms = sqs.context.clock.now_ms();
    let (waiters, to_wake) = (sqs.waiters.clone(), sqs.waiters.clone());
    let look = move |conn: &Connection| take(conn, &names, &waiters, &request, now_ms);
    let wake = move |taken: &Taken| {
        if let Some(queue) = taken.dead_lettered_to {
            to_wake.wake(queue);
        }
    };
    sqs.context.db.write_then(look, wake).await
}

/// The outcome of one look at a queue.
pub(super) struct Taken {
    arrivals: watch::Receiver<()>,
    wait_ms: i64,
    pub(super) messages: Vec<Value>,
    /// When the next message of an empty queue becomes visible, if there is one.
    pub(super) next_visible_ms: Option<i64>,
    pub(super) dead_lettered_to: Option<QueueId>,
}

pub(super) fn take(
    conn: &Connection,
    names: &QueueNames,
    waiters: &Waiters,
    request: &Receive,
    now_ms: i64,
) -> Result<Taken, ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    let max_messages = request.max_number_of_messages.unwrap_or(1);
    if !(1..=10).contains(&max_messages) {
        let reason = "Must be between 1 and 10, if provided.";
        return Err(error::invalid_value(
            "MaxNumberOfMessages",
            max_messages,
            reason,
        ));
    }
    let wait = match request.wait_time_seconds {
        Some(seconds) => WAIT.check_as("WaitTimeSeconds", seconds)?,
        None => queue.attributes.number(&WAIT),
    };
    let visibility = match request.visibility_timeout {
        Some(seconds) => VISIBILITY.check(seconds)?,
        None => queue.attributes.number(&VISIBILITY),
    };
    let dead_letters = dead_letters(conn, names, &queue)?;
    let mut sorted = sort(conn, &queue, dead_letters.as_ref(), max_messages, now_ms)?;
    if !sorted.ready.is_empty() && in_flight(conn, &queue, now_ms)? >= MAX_IN_FLIGHT {
        if wait == 0 {
            return Err(error::over_limit());
        }
        sorted.ready.clear();
    }
    for row in sorted.expired {
        conn.prepare_cached("DELETE FROM sqs_message WHERE id = ?")?
            .execute([row])?;
    }
    let mut dead_lettered_to = None;
    if let Some(target) = &dead_letters {
        for row in sorted.exhausted {
            dead_letter(conn, row, target.queue, &names.arn(&queue.name), now_ms)?;
            dead_lettered_to = Some(target.queue);
        }
    }
    let mut messages = Vec::with_capacity(sorted.ready.len());
    for row in sorted.ready {
        let receipt = Receipt::draw(queue.id, row);
        messages.push(deliver(
            conn,
            receipt,
            request,
            now_ms,
            now_ms + visibility * 1_000,
        )?);
    }
    let next_visible_ms = conn
        .prepare_cached(
            "SELECT min(visible_ms) FROM sqs_message WHERE queue = ? AND visible_ms > ?",
        )?
        .query_row(params![queue.id, now_ms], |row| row.get(0))?;
    let arrivals = waiters.subscribe(queue.id);
    Ok(Taken {
        arrivals,
        wait_ms: wait * 1_000,
        messages,
        next_visible_ms,
        dead_lettered_to,
    })
}

/// Messages of one queue that may be received and not yet deleted at a time.
pub(super) const MAX_IN_FLIGHT: i64 = 120_000;

fn in_flight(conn: &Connection, queue: &Queue, now_ms: i64) -> Result<i64, ServiceError> {
    let mut statement = conn.prepare_cached(
        "SELECT count(*) FROM sqs_message
         WHERE queue = ? AND visible_ms > ? AND receipt IS NOT NULL",
    )?;
    Ok(statement.query_row(params![queue.id, now_ms], |row| row.get(0))?)
}

/// The visible messages of a queue, by what is to become of them.
#[derive(Default)]
struct Sorted {
    expired: Vec<i64>,
    exhausted: Vec<i64>,
    ready: Vec<i64>,
}

/// The queue and now, to what is visible, the longest visible first.
pub(super) const VISIBLE: &str = "SELECT id, sent_ms, queue_receives FROM sqs_message
    WHERE queue = ? AND visible_ms <= ? ORDER BY visible_ms, sent_ms";

/// Walks the index from the longest visible message on and stops at `max_messages` ready ones.
fn sort(
    conn: &Connection,
    queue: &Queue,
    dead_letters: Option<&DeadLetters>,
    max_messages: i64,
    now_ms: i64,
) -> Result<Sorted, ServiceError> {
    let expired_before = queue.expired_before(now_ms);
    let max_receives = dead_letters.map_or(i64::MAX, |target| target.max_receive_count);
    let max_messages = usize::try_from(max_messages).unwrap_or(1);
    let mut statement = conn.prepare_cached(VISIBLE)?;
    let mut rows = statement.query(params![queue.id, now_ms])?;
    let mut sorted = Sorted::default();
    while sorted.ready.len() < max_messages
        && let Some(row) = rows.next()?
    {
        let (id, sent_ms, receives): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if sent_ms <= expired_before {
            sorted.expired.push(id);
        } else if receives >= max_receives {
            sorted.exhausted.push(id);
        } else {
            sorted.ready.push(id);
        }
    }
    Ok(sorted)
}

fn deliver(
    conn: &Connection,
    receipt: Receipt,
    request: &Receive,
    now_ms: i64,
    visible_ms: i64,
) -> Result<Value, ServiceError> {
    let mut statement = conn.prepare_cached(
        "UPDATE sqs_message SET visible_ms = ?1, receipt = ?2, received_ms = ?3,
                receives = receives + 1, queue_receives = queue_receives + 1,
                first_received_ms = ifnull(first_received_ms, ?3)
         WHERE id = ?4
         RETURNING message_id, body, system, attributes, sent_ms, receives, first_received_ms",
    )?;
    let mut system = BTreeMap::<String, String>::new();
    let (id, body, known, stored) = statement.query_row(
        params![visible_ms, receipt.nonce, now_ms, receipt.row],
        |row| {
            for (column, name) in [
                (4, "SentTimestamp"),
                (5, "ApproximateReceiveCount"),
                (6, "ApproximateFirstReceiveTimestamp"),
            ] {
                system.insert(name.to_owned(), row.get::<_, i64>(column)?.to_string());
            }
            let text = |column| row.get::<_, String>(column);
            Ok((
                text(0)?,
                text(1)?,
                text(2)?,
                row.get::<_, Option<String>>(3)?,
            ))
        },
    )?;
    system.extend(serde_json::from_str::<BTreeMap<String, String>>(&known)?);
    system.retain(|name, _| request.wants_system_attribute(name));
    let mut attributes: MessageAttributes = stored
        .map(|text| serde_json::from_str(&text))
        .transpose()?
        .unwrap_or_default();
    attributes.retain(|name, _| request.wants_attribute(name));
    let mut message = json!({
        "MessageId": id,
        "ReceiptHandle": receipt.to_handle(),
        "MD5OfBody": message::md5_of_body(&body),
        "Body": body,
    });
    if !system.is_empty() {
        message["Attributes"] = json!(system);
    }
    if let Some(md5) = message::md5_of_attributes(&attributes) {
        message["MD5OfMessageAttributes"] = md5.into();
        message["MessageAttributes"] = json!(attributes);
    }
    Ok(message)
}

impl Receive {
    fn wants_system_attribute(&self, name: &str) -> bool {
        let mut wanted = self
            .attribute_names
            .iter()
            .chain(&self.message_system_attribute_names);
        wanted.any(|wanted| wanted == name || wanted == "All")
    }

    /// `All`, `.*`, a name, or the beginning of names with `.*` after it.
    fn wants_attribute(&self, name: &str) -> bool {
        self.message_attribute_names
            .iter()
            .any(|wanted| match wanted.strip_suffix(".*") {
                Some(prefix) => name.starts_with(prefix),
                None => wanted == "All" || wanted == name,
            })
    }
}

/// Where messages go that were received too often.
struct DeadLetters {
    queue: QueueId,
    max_receive_count: i64,
}

/// Nothing while the dead-letter queue is not there: then messages stay where they are.
fn dead_letters(
    conn: &Connection,
    names: &QueueNames,
    queue: &Queue,
) -> Result<Option<DeadLetters>, ServiceError> {
    let Some(RedrivePolicy {
        dead_letter_target_arn,
        max_receive_count,
    }) = queue.attributes.redrive()
    else {
        return Ok(None);
    };
    let target = Queue::with_arn(conn, names, &dead_letter_target_arn)?;
    Ok(target.map(|target| DeadLetters {
        queue: target.id,
        max_receive_count,
    }))
}

/// Moves a message to the dead-letter queue. Its id, time of sending and receive count stay (so do
/// AWS's for standard queues); the count that redrives it starts anew.
fn dead_letter(
    conn: &Connection,
    row: i64,
    target: QueueId,
    source_arn: &str,
    now_ms: i64,
) -> Result<(), ServiceError> {
    conn.prepare_cached(
        "UPDATE sqs_message SET queue = ?, visible_ms = ?, receipt = NULL, queue_receives = 0,
                system = json_set(system, '$.DeadLetterQueueSourceArn', ?)
         WHERE id = ?",
    )?
    .execute(params![target, now_ms, source_arn, row])?;
    Ok(())
}
