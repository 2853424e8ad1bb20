//! Retention: messages that nobody asked for in time.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::queue::Queue;
use crate::error::ServiceError;
use crate::state::State;

/// Clears away messages that outlived their queue's retention and that nobody asked for, once
/// an hour of this server's time.
pub(super) async fn sweep(state: Arc<State>) {
    loop {
        let now_ms = state.clock.now_ms();
        if let Err(error) = state
            .db
            .write(move |conn| remove_expired(conn, now_ms))
            .await
        {
            tracing::error!(%error, "expired messages were not cleared away");
        }
        tokio::select! {
            () = state.clock.sleep(SWEEP_PAUSE) => {}
            () = state.stopping.cancelled() => return,
        }
    }
}

const SWEEP_PAUSE: Duration = Duration::from_hours(1);

fn remove_expired(conn: &Connection, now_ms: i64) -> Result<(), ServiceError> {
    for queue in Queue::all(conn)? {
        conn.prepare_cached("DELETE FROM sqs_message WHERE queue = ? AND sent_ms <= ?")?
            .execute(params![queue.id, queue.expired_before(now_ms)])?;
    }
    Ok(())
}
