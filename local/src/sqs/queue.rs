//! Queues: how they are found, made, changed and removed, and how long they keep messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attributes::{Attributes, RETENTION};
use super::{QueueId, QueueNames, error, nothing};
use crate::context::Context;
use crate::error::ServiceError;

/// A queue's row.
pub(super) struct Queue {
    pub(super) id: QueueId,
    pub(super) name: String,
    pub(super) attributes: Attributes,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
    pub(super) purged_ms: i64,
}

const COLUMNS: &str = "id, name, attributes, created_ms, modified_ms, purged_ms";

impl Queue {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let attributes: String = row.get(2)?;
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            // Holds only what this module wrote.
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
            created_ms: row.get(3)?,
            modified_ms: row.get(4)?,
            purged_ms: row.get(5)?,
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
        names: &QueueNames,
        url: Option<&str>,
    ) -> Result<Self, ServiceError> {
        let url = url.ok_or_else(|| error::missing("QueueUrl"))?;
        let mut parts = url.trim_end_matches('/').rsplit('/');
        let (name, account) = (parts.next().unwrap_or_default(), parts.next());
        if account.is_some_and(|account| account != names.account) {
            return Err(error::no_such_queue());
        }
        Self::named(conn, name)?.ok_or_else(error::no_such_queue)
    }

    /// The queue with this ARN.
    pub(super) fn with_arn(
        conn: &Connection,
        names: &QueueNames,
        arn: &str,
    ) -> Result<Option<Self>, ServiceError> {
        let Some(name) = arn.strip_prefix(&names.arn("")) else {
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

    /// Whether any queue has the one with this ARN as its dead-letter queue.
    pub(super) fn is_dead_letter_queue(conn: &Connection, arn: &str) -> Result<bool, ServiceError> {
        let policies = Self::all(conn)?.into_iter();
        Ok(policies
            .filter_map(|queue| queue.attributes.redrive())
            .any(|policy| policy.dead_letter_target_arn == arn))
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
    names: &QueueNames,
    request: &Create,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let name = request
        .queue_name
        .as_deref()
        .ok_or_else(|| error::missing("QueueName"))?;
    check_name(name)?;
    if !request.tags.is_empty() {
        return Err(error::unsupported("Tags are not served here."));
    }
    if let Some(queue) = Queue::named(conn, name)? {
        return match queue.attributes.first_difference(&request.attributes) {
            Some(attribute) => Err(error::queue_exists(attribute)),
            None => Ok(json!({ "QueueUrl": names.url(name) })),
        };
    }
    let mut attributes = Attributes::default();
    attributes.set(&request.attributes)?;
    check_redrive(conn, names, &attributes)?;
    conn.prepare_cached(
        "INSERT INTO sqs_queue (name, attributes, tags, created_ms, modified_ms) VALUES (?, ?, '{}', ?, ?)",
    )?
    .execute(params![
        name,
        serde_json::to_string(&attributes)?,
        now_ms,
        now_ms
    ])?;
    Ok(json!({ "QueueUrl": names.url(name) }))
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
    names: &QueueNames,
    attributes: &Attributes,
) -> Result<(), ServiceError> {
    let Some(policy) = attributes.redrive() else {
        return Ok(());
    };
    let invalid = |reason| {
        let value = serde_json::to_string(&policy).unwrap_or_default();
        Err(error::invalid_value("RedrivePolicy", value, reason))
    };
    match Queue::with_arn(conn, names, &policy.dead_letter_target_arn)? {
        None => invalid("Dead letter target does not exist."),
        Some(_) => Ok(()),
    }
}

/// A request that only names a queue, perhaps with names of attributes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    pub(super) queue_url: Option<String>,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

pub(super) fn delete(
    conn: &Connection,
    names: &QueueNames,
    request: &Named,
    _: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let queue = Queue::at(conn, names, request.queue_url.as_deref())?;
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
    names: &QueueNames,
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
        .is_none_or(|owner| owner == names.account);
    match Queue::named(conn, name)? {
        Some(queue) if ours => Ok(json!({ "QueueUrl": names.url(&queue.name) })),
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
    names: &QueueNames,
    request: &SetAttributes,
    now_ms: i64,
) -> Result<(QueueId, Value), ServiceError> {
    let mut queue = Queue::at(conn, names, request.queue_url.as_deref())?;
    queue.attributes.set(&request.attributes)?;
    check_redrive(conn, names, &queue.attributes)?;
    let attributes = serde_json::to_string(&queue.attributes)?;
    conn.prepare_cached("UPDATE sqs_queue SET attributes = ?, modified_ms = ? WHERE id = ?")?
        .execute(params![attributes, now_ms, queue.id])?;
    Ok((queue.id, nothing()))
}

/// Clears away messages that outlived their queue's retention and that nobody asked for, once
/// an hour of this server's time.
pub(super) async fn sweep_expired(context: Arc<Context>) {
    loop {
        let now_ms = context.clock.now_ms();
        if let Err(error) = context
            .db
            .write(move |conn| remove_expired(conn, now_ms))
            .await
        {
            tracing::error!(%error, "expired messages were not cleared away");
        }
        tokio::select! {
            () = context.clock.sleep(SWEEP_INTERVAL) => {}
            () = context.stopping.cancelled() => return,
        }
    }
}

const SWEEP_INTERVAL: Duration = Duration::from_hours(1);

fn remove_expired(conn: &Connection, now_ms: i64) -> Result<(), ServiceError> {
    for queue in Queue::all(conn)? {
        conn.prepare_cached("DELETE FROM sqs_message WHERE queue = ? AND sent_ms <= ?")?
            .execute(params![queue.id, queue.expired_before(now_ms)])?;
    }
    Ok(())
}
