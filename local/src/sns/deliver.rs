//! The loop that carries out deliveries. An SQS message and the end of its delivery are one
//! transaction, so a crash neither loses nor doubles it; what fails is tried again, as long and
//! with the pauses that AWS documents for SQS ("Message delivery retries").

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::ServiceError;
use crate::faults::Verdict;
use crate::mail::{self, Mail};
use crate::sqs::{self, QueueId, Sqs};
use crate::state::State;

/// Deliveries that are looked at in one go.
const STEP: i64 = 100;

/// After so many attempts a delivery goes to the dead-letter queue, or is given up.
const MOST_ATTEMPTS: i64 = 100_015;

/// A delivery's row.
#[derive(Clone)]
struct Delivery {
    id: i64,
    protocol: String,
    endpoint: String,
    dead_letters: Option<String>,
    subject: String,
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

/// Delivers until the server stops.
pub(super) async fn run(state: Arc<State>) {
    loop {
        let step = step(&state).await;
        let due_ms = step.unwrap_or_else(|error| {
            tracing::error!(%error, "deliveries are put off");
            Some(state.clock.now_ms() + 1_000)
        });
        // Without anything due only a publication, or the end, wakes the loop.
        tokio::select! {
            () = state.sns.0.notified() => {}
            () = state.clock.sleep_until(due_ms.unwrap_or(i64::MAX / 4)) => {}
            () = state.stopping.cancelled() => return,
        }
    }
}

/// Delivers what is due; says when to look again.
async fn step(state: &Arc<State>) -> Result<Option<i64>, ServiceError> {
    let now_ms = state.clock.now_ms();
    for delivery in state.db.read(move |conn| due(conn, now_ms)).await? {
        attempt(state, delivery).await?;
    }
    state.db.read(next_due).await
}

fn due(conn: &Connection, now_ms: i64) -> Result<Vec<Delivery>, ServiceError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, protocol, endpoint, dead_letters, subject, body, attributes, attempts
         FROM sns_delivery WHERE due_ms <= ? ORDER BY due_ms, id LIMIT ?",
    )?;
    let found = statement.query_map(params![now_ms, STEP], |row| {
        Ok(Delivery {
            id: row.get(0)?,
            protocol: row.get(1)?,
            endpoint: row.get(2)?,
            dead_letters: row.get(3)?,
            subject: row.get(4)?,
            body: row.get(5)?,
            attributes: row.get(6)?,
            attempts: row.get(7)?,
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

async fn attempt(state: &Arc<State>, delivery: Delivery) -> Result<(), ServiceError> {
    let verdict = match delivery.protocol.as_str() {
        // To the queue this is a call like any other, and a fault may hit it.
        "sqs" => state.faults.apply("sqs", "SendMessage").await,
        _ => Ok(Verdict::Run),
    };
    let (sqs, now_ms, waiters) = (Sqs::of(state), state.clock.now_ms(), state.sqs.clone());
    let work = move |conn: &Connection| match verdict {
        Ok(Verdict::Run) => deliver(conn, &sqs, &delivery, now_ms),
        // The answer got lost: it is delivered, and will be again.
        Ok(Verdict::RunThenCut) => {
            let queue = put(conn, &sqs, &delivery, now_ms)?;
            retry(conn, &sqs, &delivery, now_ms)?;
            Ok(queue)
        }
        Ok(Verdict::Cut) | Err(_) => retry(conn, &sqs, &delivery, now_ms),
    };
    let wake = move |queue: &Option<QueueId>| {
        if let Some(queue) = queue {
            waiters.wake(*queue);
        }
    };
    state.db.write_then(work, wake).await.map(|_| ())
}

fn deliver(
    conn: &Connection,
    sqs: &Sqs,
    delivery: &Delivery,
    now_ms: i64,
) -> Result<Option<QueueId>, ServiceError> {
    match put(conn, sqs, delivery, now_ms) {
        Ok(queue) => {
            remove(conn, delivery)?;
            Ok(queue)
        }
        // The queue is gone or refuses the message: trying again would not help.
        Err(error) if !error.status.is_server_error() => {
            bury(conn, sqs, delivery, &error.to_string(), now_ms)
        }
        Err(error) => Err(error),
    }
}

fn put(
    conn: &Connection,
    sqs: &Sqs,
    delivery: &Delivery,
    now_ms: i64,
) -> Result<Option<QueueId>, ServiceError> {
    if delivery.protocol == "sqs" {
        let attributes = serde_json::from_str(&delivery.attributes)?;
        let body = delivery.body.clone();
        return sqs::enqueue(conn, sqs, &delivery.endpoint, body, attributes, now_ms).map(Some);
    }
    let mail = Mail::new(
        &delivery.endpoint,
        delivery.subject.clone(),
        delivery.body.clone(),
    );
    mail::put(conn, &mail, now_ms)?;
    Ok(None)
}

fn retry(
    conn: &Connection,
    sqs: &Sqs,
    delivery: &Delivery,
    now_ms: i64,
) -> Result<Option<QueueId>, ServiceError> {
    let attempts = delivery.attempts + 1;
    if attempts >= MOST_ATTEMPTS {
        return bury(conn, sqs, delivery, "every attempt failed", now_ms);
    }
    conn.prepare_cached("UPDATE sns_delivery SET attempts = ?, due_ms = ? WHERE id = ?")?
        .execute(params![attempts, now_ms + pause_ms(attempts), delivery.id])?;
    Ok(None)
}

/// To the subscription's dead-letter queue, if it has one that is there.
fn bury(
    conn: &Connection,
    sqs: &Sqs,
    delivery: &Delivery,
    reason: &str,
    now_ms: i64,
) -> Result<Option<QueueId>, ServiceError> {
    let mut buried = None;
    if let Some(arn) = &delivery.dead_letters {
        let attributes = serde_json::from_str(&delivery.attributes)?;
        buried = sqs::enqueue(conn, sqs, arn, delivery.body.clone(), attributes, now_ms).ok();
    }
    if buried.is_none() {
        tracing::warn!(
            endpoint = delivery.endpoint,
            reason,
            "a notification is given up"
        );
    }
    remove(conn, delivery)?;
    Ok(buried)
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
