//! What is told about queues: lists, attributes, counts and tags; and the purge.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attributes::Attributes;
use super::queue::{Named, Queue};
use super::{Sqs, error, nothing, page};
use crate::error::ServiceError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    queue_name_prefix: Option<String>,
    queue_url: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// `ListQueues`: all, or those whose names begin with the prefix.
pub(super) fn list(
    conn: &Connection,
    sqs: &Sqs,
    request: &List,
    _: i64,
) -> Result<Value, ServiceError> {
    let prefix = request.queue_name_prefix.as_deref().unwrap_or_default();
    let names = Queue::all(conn)?.into_iter().map(|queue| queue.name);
    let names = names.filter(|name| name.starts_with(prefix)).collect();
    urls("QueueUrls", sqs, names, request)
}

/// `ListDeadLetterSourceQueues`: those whose redrive policy names this one.
pub(super) fn list_sources(
    conn: &Connection,
    sqs: &Sqs,
    request: &List,
    _: i64,
) -> Result<Value, ServiceError> {
    let target = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    let names = sources_of(conn, &sqs.arn(&target.name))?;
    // The member's name begins with a small letter, as in AWS's model.
    urls("queueUrls", sqs, names, request)
}

/// The names of the queues that have the queue with this ARN as their dead-letter queue.
pub(super) fn sources_of(conn: &Connection, target_arn: &str) -> Result<Vec<String>, ServiceError> {
    let is_source = |queue: &Queue| {
        queue
            .attributes
            .redrive()
            .is_some_and(|policy| policy.dead_letter_target_arn == target_arn)
    };
    Ok(Queue::all(conn)?
        .into_iter()
        .filter(is_source)
        .map(|queue| queue.name)
        .collect())
}

fn urls(
    member: &str,
    sqs: &Sqs,
    names: Vec<String>,
    request: &List,
) -> Result<Value, ServiceError> {
    let (names, next) = page::cut(names, request.max_results, request.next_token.as_deref())?;
    let urls: Value = names.iter().map(|name| sqs.url(name)).collect();
    let mut reply = json!({ member: urls });
    if let Some(next) = next {
        reply["NextToken"] = next.into();
    }
    Ok(reply)
}

const COUNTS: [&str; 3] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
];
const FIXED: [&str; 3] = ["CreatedTimestamp", "LastModifiedTimestamp", "QueueArn"];

pub(super) fn get_attributes(
    conn: &Connection,
    sqs: &Sqs,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    let mut all = queue.attributes.in_force();
    let [created, modified, arn] = FIXED;
    all.insert(created.into(), (queue.created_ms / 1_000).to_string());
    all.insert(modified.into(), (queue.modified_ms / 1_000).to_string());
    all.insert(arn.into(), sqs.arn(&queue.name));
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
    sqs: &Sqs,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    if now_ms < queue.purged_ms + PURGE_PAUSE_MS {
        return Err(error::purge_in_progress(&queue.name));
    }
    conn.prepare_cached("DELETE FROM sqs_message WHERE queue = ?")?
        .execute([queue.id])?;
    conn.prepare_cached("UPDATE sqs_queue SET purged_ms = ? WHERE id = ?")?
        .execute(params![now_ms, queue.id])?;
    Ok(nothing())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    queue_url: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

pub(super) fn tag(
    conn: &Connection,
    sqs: &Sqs,
    request: &Tag,
    _: i64,
) -> Result<Value, ServiceError> {
    let mut queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    queue.tags.extend(request.tags.clone());
    save_tags(conn, &queue)
}

pub(super) fn untag(
    conn: &Connection,
    sqs: &Sqs,
    request: &Named,
    _: i64,
) -> Result<Value, ServiceError> {
    let mut queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    queue.tags.retain(|key, _| !request.tag_keys.contains(key));
    save_tags(conn, &queue)
}

pub(super) fn list_tags(
    conn: &Connection,
    sqs: &Sqs,
    request: &Named,
    _: i64,
) -> Result<Value, ServiceError> {
    let queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    Ok(if queue.tags.is_empty() {
        json!({})
    } else {
        json!({ "Tags": queue.tags })
    })
}

fn save_tags(conn: &Connection, queue: &Queue) -> Result<Value, ServiceError> {
    if queue.tags.len() > 50 {
        return Err(error::invalid_parameter(
            "Too many tags added for queue: at most 50.",
        ));
    }
    conn.prepare_cached("UPDATE sqs_queue SET tags = ? WHERE id = ?")?
        .execute(params![serde_json::to_string(&queue.tags)?, queue.id])?;
    Ok(nothing())
}
