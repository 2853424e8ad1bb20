//! The calls about message moves that are under way or over.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::move_task::existing;
use super::{Sqs, error};
use crate::error::ServiceError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancel {
    task_handle: Option<String>,
}

pub(super) fn cancel(
    conn: &Connection,
    _: &Sqs,
    request: &Cancel,
    _: i64,
) -> Result<Value, ServiceError> {
    let handle = request
        .task_handle
        .as_deref()
        .ok_or_else(|| error::missing("TaskHandle"))?;
    let moved: Option<i64> = conn
        .prepare_cached(
            "UPDATE sqs_move_task SET status = 'CANCELLED'
             WHERE handle = ? AND status = 'RUNNING' RETURNING moved",
        )?
        .query_row([handle], |row| row.get(0))
        .optional()?;
    match moved {
        Some(moved) => Ok(json!({ "ApproximateNumberOfMessagesMoved": moved })),
        None => Err(error::no_such_resource(
            "Task does not exist or is not running.",
        )),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

pub(super) fn list(
    conn: &Connection,
    sqs: &Sqs,
    request: &List,
    _: i64,
) -> Result<Value, ServiceError> {
    let source_arn = request
        .source_arn
        .as_deref()
        .ok_or_else(|| error::missing("SourceArn"))?;
    let source = existing(conn, sqs, source_arn)?;
    let most = request.max_results.unwrap_or(1);
    if !(1..=10).contains(&most) {
        return Err(error::invalid_parameter(
            "MaxResults must be between 1 and 10.",
        ));
    }
    let mut statement = conn.prepare_cached(
        "SELECT handle, source_arn, destination_arn, per_second, status, failure, moved, to_move,
                started_ms
         FROM sqs_move_task WHERE source = ? ORDER BY started_ms DESC, rowid DESC LIMIT ?",
    )?;
    let results = statement.query_map(params![source.id, most], describe)?;
    let results: Vec<Value> = results.collect::<Result<_, _>>()?;
    Ok(json!({ "Results": results }))
}

fn describe(row: &Row<'_>) -> rusqlite::Result<Value> {
    let status: String = row.get(4)?;
    let mut task = json!({
        "SourceArn": row.get::<_, String>(1)?,
        "ApproximateNumberOfMessagesMoved": row.get::<_, i64>(6)?,
        "ApproximateNumberOfMessagesToMove": row.get::<_, i64>(7)?,
        "StartedTimestamp": row.get::<_, i64>(8)?,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            task[name] = value;
        }
    };
    if status == "RUNNING" {
        add("TaskHandle", Some(row.get::<_, String>(0)?.into()));
    }
    add("Status", Some(status.into()));
    add(
        "DestinationArn",
        row.get::<_, Option<String>>(2)?.map(Value::from),
    );
    add(
        "MaxNumberOfMessagesPerSecond",
        row.get::<_, Option<i64>>(3)?.map(Value::from),
    );
    add(
        "FailureReason",
        row.get::<_, Option<String>>(5)?.map(Value::from),
    );
    Ok(task)
}
