//! Redrive: where a message goes that was received too often.

use rusqlite::{Connection, params};

use super::attributes::RedrivePolicy;
use super::queue::Queue;
use super::{QueueId, Sqs};
use crate::error::ServiceError;

/// Where messages go that were received too often.
pub(super) struct DeadLetters {
    pub(super) queue: QueueId,
    pub(super) max_receive_count: i64,
}

/// Nothing while the dead-letter queue is not there: then messages stay where they are.
pub(super) fn dead_letters(
    conn: &Connection,
    sqs: &Sqs,
    queue: &Queue,
) -> Result<Option<DeadLetters>, ServiceError> {
    let Some(RedrivePolicy {
        dead_letter_target_arn,
        max_receive_count,
    }) = queue.attributes.redrive()
    else {
        return Ok(None);
    };
    let target = Queue::with_arn(conn, sqs, &dead_letter_target_arn)?;
    Ok(target.map(|target| DeadLetters {
        queue: target.id,
        max_receive_count,
    }))
}

/// Moves a message to the dead-letter queue. Its id, time of sending and receive count stay (so do
/// AWS's for standard queues); the count that redrives it starts anew.
pub(super) fn bury(
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
