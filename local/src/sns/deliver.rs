//! The loop that carries out deliveries. A message in its queue and the end of its delivery are one
//! transaction, so a crash neither loses nor doubles it; what fails is tried again, as long and
//! with the pauses that AWS documents for SQS ("Message delivery retries").

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::Sns;
use crate::error::ServiceError;
use crate::faults::Effect;
use crate::service::ServiceName;
use crate::sqs::{self, QueueId, QueueNames};

/// Deliveries that are looked at in one go.
const STEP: i64 = 100;

/// After so many attempts a delivery goes to the dead-letter queue, or is given up.
const MAX_ATTEMPTS: i64 = 100_015;

/// A delivery's row.
#[derive(Clone)]
struct Delivery {
    id: i64,
    endpoint: String,
    dead_letters: Option<String>,
    body: String,
    attributes: String,
    attempts: i64,
}

/// Three retries at once, two a second apart, ten from one to twenty seconds, then every twenty.
fn pause_ms(attempts: i64) -> i64 {
    match attempts {
        ..=3 => 0,
        4..=5 => 1_000,
        6..=15 => 1_000 << ((attempts - 6) / 2).min(4),
        _ => 20_000,
    }
}

pub(super) async fn deliver_until_stopped(sns: Arc<Sns>) {
    let context = &sns.context;
    loop {
        let due_ms = deliver_due(&sns).await.unwrap_or_else(|error| {
            tracing::error!(%error, "deliveries are put off");
            Some(context.clock.now_ms() + 1_000)
        });
        // Without anything due only a publication, or the end, wakes the loop.
        tokio::select! {
            () = sns.published.notified() => {}
            () = context.clock.sleep_until(due_ms.unwrap_or(i64::MAX / 4)) => {}
            () = context.stopping.cancelled() => return,
        }
    }
}

/// Delivers what is due; says when to look again.
async fn deliver_due(sns: &Sns) -> Result<Option<i64>, ServiceError> {
    let now_ms = sns.context.clock.now_ms();
    let read = sns.context.db.read(move |conn| due(conn, now_ms));
    for delivery in read.await? {
        attempt(sns, delivery).await?;
    }
    sns.context.db.read(next_due).await
}

fn due(conn: &Connection, now_ms: i64) -> Result<Vec<Delivery>, ServiceError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, endpoint, dead_letters, body, attributes, attempts
         FROM sns_delivery WHERE due_ms <= ? ORDER BY due_ms, id LIMIT ?",
    )?;
    let found = statement.query_map(params![now_ms, STEP], |row| {
        Ok(Delivery {
            id: row.get(0)?,
            endpoint: row.get(1)?,
            dead_letters: row.get(2)?,
            body: row.get(3)?,
            attributes: row.get(4)?,
            attempts: row.get(5)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn next_due(conn: &Connection) -> Result<Option<i64>, ServiceError> {
    let mut statement = conn.prepare_cached("SELECT min(due_ms) FROM sns_delivery")?;
    Ok(statement
        .query_row([], |row| row.get(0))
        .optional()?
        .flatten())
}

/// To the queue this is a call like any other, and a fault may hit it.
async fn attempt(sns: &Sns, delivery: Delivery) -> Result<(), ServiceError> {
    let context = &sns.context;
    let fault = context.faults.apply(ServiceName::Sqs, "SendMessage").await;
    let (names, now_ms) = (sns.sqs.names.clone(), context.clock.now_ms());
    let work = move |conn: &Connection| match fault {
        // The answer got lost: it is delivered, and will be again.
        Ok(Effect::CutAfter) => {
            let queue = put(conn, &names, &delivery, now_ms)?;
            retry(conn, &names, &delivery, now_ms)?;
            Ok(Some(queue))
        }
        Ok(Effect::Cut) | Err(_) => retry(conn, &names, &delivery, now_ms),
        Ok(_) => deliver(conn, &names, &delivery, now_ms),
    };
    let waiters = sns.sqs.waiters.clone();
    let wake = move |queue: &Option<QueueId>| {
        if let Some(queue) = queue {
            waiters.wake(*queue);
        }
    };
    context.db.write_then(work, wake).await.map(|_| ())
}

fn deliver(
    conn: &Connection,
    names: &QueueNames,
    delivery: &Delivery,
    now_ms: i64,
) -> Result<Option<QueueId>, ServiceError> {
    match put(conn, names, delivery, now_ms) {
        Ok(queue) => {
            remove(conn, delivery)?;
            Ok(Some(queue))
        }
        // The queue is gone or refuses the message: trying again would not help.
        Err(error) if !error.status.is_server_error() => {
            dead_letter(conn, names, delivery, &error.to_string(), now_ms)
        }
        Err(error) => Err(error),
    }
}

fn put(
    conn: &Connection,
    names: &QueueNames,
    delivery: &Delivery,
    now_ms: i64,
) -> Result<QueueId, ServiceError> {
    let attributes = serde_json::from_str(&delivery.attributes)?;
    let body = delivery.body.clone();
    sqs::enqueue(conn, names, &delivery.endpoint, body, attributes, now_ms)
}

fn retry(
    conn: &Connection,
    names: &QueueNames,
    delivery: &Delivery,
    now_ms: i64,
) -> Result<Option<QueueId>, ServiceError> {
    let attempts = delivery.attempts + 1;
    if attempts >= MAX_ATTEMPTS {
        return dead_letter(conn, names, delivery, "every attempt failed", now_ms);
    }
    conn.prepare_cached("UPDATE sns_delivery SET attempts = ?, due_ms = ? WHERE id = ?")?
        .execute(params![attempts, now_ms + pause_ms(attempts), delivery.id])?;
    Ok(None)
}

/// To the subscription's dead-letter queue, if it has one that is there.
fn dead_letter(
    conn: &Connection,
    names: &QueueNames,
    delivery: &Delivery,
    reason: &str,
    now_ms: i64,
) -> Result<Option<QueueId>, ServiceError> {
    let mut queue = None;
    if let Some(arn) = &delivery.dead_letters {
        let attributes = serde_json::from_str(&delivery.attributes)?;
        queue = sqs::enqueue(conn, names, arn, delivery.body.clone(), attributes, now_ms).ok();
    }
    if queue.is_none() {
        tracing::warn!(
            endpoint = delivery.endpoint,
            reason,
            "a notification is given up"
        );
    }
    remove(conn, delivery)?;
    Ok(queue)
}

fn remove(conn: &Connection, delivery: &Delivery) -> Result<(), ServiceError> {
    conn.prepare_cached("DELETE FROM sns_delivery WHERE id = ?")?
        .execute([delivery.id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::pause_ms;

    #[test]
    fn pauses_grow_as_aws_documents_them() {
        assert_eq!([1, 2, 3].map(pause_ms), [0; 3]);
        assert_eq!([4, 5].map(pause_ms), [1_000; 2]);
        let backoff: Vec<_> = (6..=15).map(pause_ms).collect();
        assert!(backoff.is_sorted() && backoff[0] == 1_000 && backoff[9] <= 20_000);
        assert_eq!(pause_ms(16), 20_000);
    }
}
