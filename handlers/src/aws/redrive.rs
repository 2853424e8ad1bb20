//! Dead letters back to where they came from, by SQS's own message move task:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>.

use fotograma_core::Result;

use super::Aws;
use super::error::sdk_error;

/// How far a move is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// As SQS calls it: `RUNNING`, `COMPLETED`, `CANCELLING`, `CANCELLED` or `FAILED`.
    pub status: String,
    /// How many messages have been moved, about.
    pub moved: i64,
    /// Why it failed.
    pub reason: Option<String>,
}

/// Begins to move a dead-letter queue's messages into `queue`; gives the dead-letter queue's ARN.
///
/// The queue is named, because SQS would leave behind what was sent to the dead letters directly.
///
/// # Errors
/// When there is no such queue, or a move is going on.
pub async fn start_redrive(
    aws: &Aws,
    dead_letters: &str,
    queue: &str,
    per_second: Option<i32>,
) -> Result<String> {
    let from = aws.queue_arn(dead_letters).await?;
    aws.sqs()
        .start_message_move_task()
        .source_arn(&from)
        .destination_arn(aws.queue_arn(queue).await?)
        .set_max_number_of_messages_per_second(per_second)
        .send()
        .await
        .map_err(|error| sdk_error("sqs StartMessageMoveTask", &error))?;
    Ok(from)
}

/// The newest move of a queue's messages; `None` if there was none.
///
/// # Errors
/// When SQS cannot be asked.
pub async fn newest_redrive(aws: &Aws, arn: &str) -> Result<Option<Redrive>> {
    let list = aws.sqs().list_message_move_tasks().source_arn(arn);
    let output = list
        .send()
        .await
        .map_err(|error| sdk_error("sqs ListMessageMoveTasks", &error))?;
    let newest = output.results.unwrap_or_default().into_iter().next();
    Ok(newest.map(|task| Redrive {
        status: task.status.unwrap_or_default(),
        moved: task.approximate_number_of_messages_moved,
        reason: task.failure_reason,
    }))
}
