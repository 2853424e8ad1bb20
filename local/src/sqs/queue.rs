//! Queues: how they are found, made, changed and removed.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attributes::{Attributes, RETENTION};
use super::{QueueId, Sqs, error, nothing};
use crate::error::ServiceError;

/// A queue's row.
pub(super) struct Queue {
    pub(super) id: QueueId,
    pub(super) name: String,
    pub(super) attributes: Attributes,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
    pub(super) purged_ms: i64,
}

const COLUMNS: &str = "id, name, attributes, tags, created_ms, modified_ms, purged_ms";

impl Queue {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let attributes: String = row.get(2)?;
        let tags: String = row.get(3)?;
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            // Both columns hold only what this module wrote.
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
            tags: serde_json::from_str(&tags).unwrap_or_default(),
            created_ms: row.get(4)?,
            modified_ms: row.get(5)?,
            purged_ms: row.get(6)?,
        })
    }

    pub(super) fn named(conn: &Connection, name: &str) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM sqs_queue WHERE name = ?");
        Ok(conn
            .prepare_cached(&sql)?
            .query_row([name], Self::from_row)
            .optional()?)
    }

    /// The queue of an address such as `http://127.0.0.1:4566/000000000000/jobs`. Only the path
    /// counts: the same queue has as many addresses as this server has names.
    pub(super) fn at(
        conn: &Connection,
        sqs: &Sqs,
        url: Option<&str>,
    ) -> Result<Self, ServiceError> {
        let url = url.ok_or_else(|| error::missing("QueueUrl"))?;
        let mut parts = url.trim_end_matches('/').rsplit('/');
        let (name, account) = (parts.next().unwrap_or_default(), parts.next());
        if account.is_some_and(|account| account != sqs.account) {
            return Err(error::no_such_queue());
        }
        Self::named(conn, name)?.ok_or_else(error::no_such_queue)
    }

    /// The queue with this ARN.
    pub(super) fn with_arn(
        conn: &Connection,
        sqs: &Sqs,
        arn: &str,
    ) -> Result<Option<Self>, ServiceError> {
        let Some(name) = arn.strip_prefix(&sqs.arn("")) else {
            return Ok(None);
        };
        Self::named(conn, name)
    }

    pub(super) fn all(conn: &Connection) -> Result<Vec<Self>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM sqs_queue ORDER BY name");
        let mut statement = conn.prepare_cached(&sql)?;
        let queues = statement
            .query_map([], Self::from_row)?
            .collect::<Result<_, _>>()?;
        Ok(queues)
    }

    /// Messages sent before this have outlived the queue's retention.
    pub(super) fn expired_before(&self, now_ms: i64) -> i64 {
        now_ms - self.attributes.number(&RETENTION) * 1_000
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    queue_name: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default, alias = "tags")]
    tags: BTreeMap<String, String>,
}

pub(super) fn create(
    conn: &Connection,
    sqs: &Sqs,
    request: &Create,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let name = request
        .queue_name
        .as_deref()
        .ok_or_else(|| error::missing("QueueName"))?;
    check_name(name)?;
    if let Some(queue) = Queue::named(conn, name)? {
        return match queue.attributes.first_difference(&request.attributes) {
            Some(attribute) => Err(error::queue_exists(attribute)),
            None => Ok(json!({ "QueueUrl": sqs.url(name) })),
        };
    }
    let mut attributes = Attributes::default();
    attributes.set(&request.attributes)?;
    check_redrive(conn, sqs, name, &attributes)?;
    conn.prepare_cached(
        "INSERT INTO sqs_queue (name, attributes, tags, created_ms, modified_ms) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        name,
        serde_json::to_string(&attributes)?,
        serde_json::to_string(&request.tags)?,
        now_ms,
        now_ms
    ])?;
    Ok(json!({ "QueueUrl": sqs.url(name) }))
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    if name.strip_suffix(".fifo").is_some() {
        return Err(error::unsupported(
            "FIFO queues are not served here, only standard queues.",
        ));
    }
    let letters = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if letters && (1..=80).contains(&name.len()) {
        return Ok(());
    }
    Err(error::invalid_parameter(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    ))
}

fn check_redrive(
    conn: &Connection,
    sqs: &Sqs,
    source: &str,
    attributes: &Attributes,
) -> Result<(), ServiceError> {
    let Some(policy) = attributes.redrive() else {
        return Ok(());
    };
    let invalid = |reason| {
        let value = serde_json::to_string(&policy).unwrap_or_default();
        Err(error::invalid_value("RedrivePolicy", value, reason))
    };
    match Queue::with_arn(conn, sqs, &policy.dead_letter_target_arn)? {
        None => invalid("Dead letter target does not exist."),
        Some(target) if !target.attributes.allows_redrive_from(&sqs.arn(source)) => {
            invalid("Dead letter target does not allow this queue as its source.")
        }
        Some(_) => Ok(()),
    }
}

/// A request that only names a queue, perhaps with names of attributes or tags.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    pub(super) queue_url: Option<String>,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) tag_keys: Vec<String>,
}

pub(super) fn delete(
    conn: &Connection,
    sqs: &Sqs,
    request: &Named,
    _: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    conn.prepare_cached("DELETE FROM sqs_queue WHERE id = ?")?
        .execute([queue.id])?;
    Ok((queue.id, nothing()))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetUrl {
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

pub(super) fn get_url(
    conn: &Connection,
    sqs: &Sqs,
    request: &GetUrl,
    _: i64,
) -> Result<Value, ServiceError> {
    let name = request
        .queue_name
        .as_deref()
        .ok_or_else(|| error::missing("QueueName"))?;
    let ours = request
        .owner
        .as_deref()
        .is_none_or(|owner| owner == sqs.account);
    match Queue::named(conn, name)? {
        Some(queue) if ours => Ok(json!({ "QueueUrl": sqs.url(&queue.name) })),
        _ => Err(error::no_such_queue()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetAttributes {
    queue_url: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

pub(super) fn set_attributes(
    conn: &Connection,
    sqs: &Sqs,
    request: &SetAttributes,
    now_ms: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let mut queue = Queue::at(conn, sqs, request.queue_url.as_deref())?;
    queue.attributes.set(&request.attributes)?;
    check_redrive(conn, sqs, &queue.name, &queue.attributes)?;
    let attributes = serde_json::to_string(&queue.attributes)?;
    conn.prepare_cached("UPDATE sqs_queue SET attributes = ?, modified_ms = ? WHERE id = ?")?
        .execute(params![attributes, now_ms, queue.id])?;
    Ok((queue.id, nothing()))
}
