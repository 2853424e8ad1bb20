//! What is told about queues: lists, attributes and counts; and the purge.

use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attributes::Attributes;
use super::queue::{Named, Queue};
use super::{QueueNames, error, nothing};
use crate::error::ServiceError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    queue_name_prefix: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// `ListQueues`: all, or those whose names begin with the prefix. AWS returns at most 1,000 where no
/// pages are asked for.
pub(super) fn list(
    conn: &Connection,
    names: &QueueNames,
    request: &List,
    _: i64,
) -> Result<Value, ServiceError> {
    if request.max_results.is_some() || request.next_token.is_some() {
        return Err(error::unsupported("Lists in pages are not served here."));
    }
    let prefix = request.queue_name_prefix.as_deref().unwrap_or_default();
    let queues = Queue::all(conn)?.into_iter();
    let urls: Value = queues
        .filter(|queue| queue.name.starts_with(prefix))
        .take(1_000)
        .map(|queue| names.url(&queue.name))
        .collect();
    Ok(json!({ "QueueUrls": urls }))
}

const COUNTS: [&str; 3] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
];
const FIXED: [&str; 3] = ["CreatedTimestamp", "LastModifiedTimestamp", "QueueArn"];

pub(super) fn get_attributes(
    conn: &Connection,
    names: &QueueNames,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    let mut all = queue.attributes.in_force();
    let [created, modified, arn] = FIXED;
    all.insert(created.into(), (queue.created_ms / 1_000).to_string());
    all.insert(modified.into(), (queue.modified_ms / 1_000).to_string());
    all.insert(arn.into(), names.arn(&queue.name));
    all.extend(counts(conn, &queue, now_ms)?);
    let wanted = &request.attribute_names;
    if !wanted.iter().any(|name| name == "All") {
        let known = |name: &str| all.contains_key(name) || Attributes::is_known(name);
        if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
            return Err(error::unknown_attribute(unknown));
        }
        all.retain(|name, _| wanted.contains(name));
    }
    Ok(if all.is_empty() {
        json!({})
    } else {
        json!({ "Attributes": all })
    })
}

fn counts(
    conn: &Connection,
    queue: &Queue,
    now_ms: i64,
) -> Result<Vec<(String, String)>, ServiceError> {
    let counts = conn
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE visible_ms <= ?3),
                    count(*) FILTER (WHERE visible_ms > ?3 AND receipt IS NULL),
                    count(*) FILTER (WHERE visible_ms > ?3 AND receipt IS NOT NULL)
             FROM sqs_message WHERE queue = ?1 AND sent_ms > ?2",
        )?
        .query_row(
            params![queue.id, queue.expired_before(now_ms), now_ms],
            |row| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?]),
        )?;
    Ok(std::iter::zip(COUNTS, counts)
        .map(|(name, n)| (name.to_owned(), n.to_string()))
        .collect())
}

/// AWS allows one purge a minute.
const PURGE_PAUSE_MS: i64 = 60_000;

pub(super) fn purge(
    conn: &Connection,
    names: &QueueNames,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    if now_ms < queue.purged_ms + PURGE_PAUSE_MS {
        return Err(error::purge_in_progress(&queue.name));
    }
    conn.prepare_cached("DELETE FROM sqs_message WHERE queue = ?")?
        .execute([queue.id])?;
    conn.prepare_cached("UPDATE sqs_queue SET purged_ms = ? WHERE id = ?")?
        .execute(params![now_ms, queue.id])?;
    Ok(nothing())
}
