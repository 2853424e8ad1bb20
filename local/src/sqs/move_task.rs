//! `StartMessageMoveTask`: gives a dead-letter queue's messages back to where they came from, or
//! to a queue of the caller's choice, in the background and across a restart; and what is told of it.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::queue::Queue;
use super::{QueueId, QueueNames, Sqs, error};
use crate::error::ServiceError;

/// Messages that are moved in one transaction, where the caller set no rate.
const STEP: i64 = 500;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Start {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Clone)]
struct Task {
    handle: String,
    source: QueueId,
    destination_arn: Option<String>,
    per_second: Option<i64>,
}

pub(super) async fn start_move(sqs: &Arc<Sqs>, request: Start) -> Result<Value, ServiceError> {
    let (names, now_ms) = (sqs.names.clone(), sqs.context.clock.now_ms());
    let task = sqs
        .context
        .db
        .write(move |conn| register(conn, &names, &request, now_ms))
        .await?;
    let reply = json!({ "TaskHandle": task.handle });
    spawn(sqs, task);
    Ok(reply)
}

/// Goes on with the tasks that were running when the process ended.
pub(super) fn resume(sqs: &Arc<Sqs>) {
    let sqs = Arc::clone(sqs);
    sqs.clone().context.tasks.spawn(async move {
        match sqs.context.db.read(running_tasks).await {
            Ok(tasks) => tasks.into_iter().for_each(|task| spawn(&sqs, task)),
            Err(error) => tracing::error!(%error, "message moves were not taken up again"),
        }
    });
}

fn running_tasks(conn: &Connection) -> Result<Vec<Task>, ServiceError> {
    let mut statement = conn.prepare(
        "SELECT handle, source, destination_arn, per_second FROM sqs_move_task
         WHERE status = 'RUNNING'",
    )?;
    let tasks = statement.query_map([], |row| {
        Ok(Task {
            handle: row.get(0)?,
            source: row.get(1)?,
            destination_arn: row.get(2)?,
            per_second: row.get(3)?,
        })
    })?;
    Ok(tasks.collect::<Result<_, _>>()?)
}

fn register(
    conn: &Connection,
    names: &QueueNames,
    request: &Start,
    now_ms: i64,
) -> Result<Task, ServiceError> {
    let source_arn = request
        .source_arn
        .as_deref()
        .ok_or_else(|| error::missing("SourceArn"))?;
    let source = existing(conn, names, source_arn)?;
    if !Queue::is_dead_letter_queue(conn, source_arn)? {
        return Err(error::invalid_parameter(
            "Source queue must be configured as a Dead Letter Queue.",
        ));
    }
    if let Some(destination) = &request.destination_arn
        && existing(conn, names, destination)?.id == source.id
    {
        return Err(error::invalid_parameter(
            "Source queue arn and destination queue arn cannot be the same.",
        ));
    }
    let per_second = request.max_number_of_messages_per_second;
    if per_second.is_some_and(|n| !(1..=500).contains(&n)) {
        return Err(error::invalid_parameter(
            "MaxNumberOfMessagesPerSecond must be between 1 and 500.",
        ));
    }
    let running: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM sqs_move_task WHERE source = ? AND status = 'RUNNING'",
        )?
        .query_row([source.id], |row| row.get(0))?;
    if running > 0 {
        return Err(error::unsupported(
            "There is already a task running. Only one active task is allowed for a source queue \
             arn at a given time.",
        ));
    }
    let task = Task {
        handle: Uuid::new_v4().to_string(),
        source: source.id,
        destination_arn: request.destination_arn.clone(),
        per_second,
    };
    conn.prepare_cached(
        "INSERT INTO sqs_move_task
            (handle, source, source_arn, destination_arn, per_second, status, to_move, started_ms)
         SELECT ?1, ?2, ?3, ?4, ?5, 'RUNNING', count(*), ?6
         FROM sqs_message WHERE queue = ?2 AND visible_ms <= ?6",
    )?
    .execute(params![
        task.handle,
        source.id,
        source_arn,
        task.destination_arn,
        per_second,
        now_ms
    ])?;
    Ok(task)
}

/// A queue that the caller names, and that has to be there.
fn existing(conn: &Connection, names: &QueueNames, arn: &str) -> Result<Queue, ServiceError> {
    let queue = Queue::with_arn(conn, names, arn)?;
    queue.ok_or_else(|| {
        error::no_such_resource(
            "The resource that you specified for the SourceArn parameter doesn't exist.",
        )
    })
}

fn spawn(sqs: &Arc<Sqs>, task: Task) {
    let sqs = Arc::clone(sqs);
    sqs.clone().context.tasks.spawn(async move {
        if let Err(error) = move_all(&sqs, &task).await {
            tracing::error!(%error, task = task.handle, "a message move stopped; a restart goes on");
        }
    });
}

async fn move_all(sqs: &Sqs, task: &Task) -> Result<(), ServiceError> {
    while step(sqs, task).await? {
        if task.per_second.is_some() {
            tokio::select! {
                () = sqs.context.clock.sleep(Duration::from_secs(1)) => {}
                () = sqs.context.stopping.cancelled() => {}
            }
        }
        if sqs.context.stopping.is_cancelled() {
            return Ok(());
        }
    }
    Ok(())
}

/// Moves the next messages; says whether the task goes on.
async fn step(sqs: &Sqs, task: &Task) -> Result<bool, ServiceError> {
    let (names, task) = (sqs.names.clone(), task.clone());
    let now_ms = sqs.context.clock.now_ms();
    let waiters = sqs.waiters.clone();
    let stepped = sqs.context.db.write_then(
        move |conn| move_some(conn, &names, &task, now_ms),
        move |stepped: &Stepped| {
            for queue in &stepped.targets {
                waiters.wake(*queue);
            }
        },
    );
    Ok(stepped.await?.more)
}

struct Stepped {
    more: bool,
    targets: Vec<QueueId>,
}

fn move_some(
    conn: &Connection,
    names: &QueueNames,
    task: &Task,
    now_ms: i64,
) -> Result<Stepped, ServiceError> {
    let mut targets = Vec::new();
    let status: Option<String> = conn
        .prepare_cached("SELECT status FROM sqs_move_task WHERE handle = ?")?
        .query_row([&task.handle], |row| row.get(0))
        .optional()?;
    if status.as_deref() != Some("RUNNING") {
        return Ok(Stepped {
            more: false,
            targets,
        });
    }
    let messages = conn
        .prepare_cached(
            "SELECT id, json_extract(system, '$.DeadLetterQueueSourceArn') FROM sqs_message
             WHERE queue = ? AND visible_ms <= ? ORDER BY visible_ms, sent_ms LIMIT ?",
        )?
        .query_map(
            params![task.source, now_ms, task.per_second.unwrap_or(STEP)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect::<Result<Vec<(i64, Option<String>)>, _>>()?;
    for (row, source_arn) in &messages {
        let arn = task.destination_arn.as_ref().or(source_arn.as_ref());
        let target = arn
            .map(|arn| Queue::with_arn(conn, names, arn))
            .transpose()?
            .flatten();
        let Some(target) = target else {
            end(
                conn,
                task,
                "FAILED",
                Some("AWS.SimpleQueueService.NonExistentQueue"),
            )?;
            return Ok(Stepped {
                more: false,
                targets,
            });
        };
        renew(conn, *row, target.id, now_ms)?;
        conn.prepare_cached("UPDATE sqs_move_task SET moved = moved + 1 WHERE handle = ?")?
            .execute([&task.handle])?;
        if !targets.contains(&target.id) {
            targets.push(target.id);
        }
    }
    let more = !messages.is_empty();
    if !more {
        end(conn, task, "COMPLETED", None)?;
    }
    Ok(Stepped { more, targets })
}

/// A moved message counts as a new one: new id, new time, nothing received.
fn renew(conn: &Connection, row: i64, target: QueueId, now_ms: i64) -> Result<(), ServiceError> {
    conn.prepare_cached(
        "UPDATE sqs_message SET queue = ?1, message_id = ?2, sent_ms = ?3, visible_ms = ?3,
                receipt = NULL, receives = 0, queue_receives = 0, first_received_ms = NULL,
                system = json_remove(system, '$.DeadLetterQueueSourceArn')
         WHERE id = ?4",
    )?
    .execute(params![target, Uuid::new_v4().to_string(), now_ms, row])?;
    Ok(())
}

fn end(
    conn: &Connection,
    task: &Task,
    status: &str,
    failure: Option<&str>,
) -> Result<(), ServiceError> {
    conn.prepare_cached("UPDATE sqs_move_task SET status = ?, failure = ? WHERE handle = ?")?
        .execute(params![status, failure, task.handle])?;
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

pub(super) fn list(
    conn: &Connection,
    names: &QueueNames,
    request: &List,
    _: i64,
) -> Result<Value, ServiceError> {
    let source_arn = request
        .source_arn
        .as_deref()
        .ok_or_else(|| error::missing("SourceArn"))?;
    let source = existing(conn, names, source_arn)?;
    let max_results = request.max_results.unwrap_or(1);
    if !(1..=10).contains(&max_results) {
        return Err(error::invalid_parameter(
            "MaxResults must be between 1 and 10.",
        ));
    }
    let mut statement = conn.prepare_cached(
        "SELECT handle, source_arn, destination_arn, per_second, status, failure, moved, to_move,
                started_ms
         FROM sqs_move_task WHERE source = ? ORDER BY started_ms DESC, rowid DESC LIMIT ?",
    )?;
    let results = statement.query_map(params![source.id, max_results], describe)?;
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
