//! What a worker needs of a queue.

use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;

use crate::Result;

/// A queue with the semantics of SQS.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Up to `max` messages, as Lambda would show them, hidden from others for `visibility`;
    /// waits up to `wait` for the first.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<SqsMessage>>;

    /// Deletes messages by their receipt handles; gives those that were not deleted.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>>;

    /// Hides received messages for as long as each change says, from now on; zero gives one back
    /// at once. Gives an outcome for each change, in their order.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    async fn change_visibility(
        &self,
        changes: &[VisibilityChange],
    ) -> Result<Vec<VisibilityOutcome>>;
}

/// How long a received message is to be hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibilityChange {
    /// The receipt handle.
    pub receipt: String,
    /// From now on.
    pub visibility: Duration,
}

/// What became of a [`VisibilityChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisibilityOutcome {
    /// It is hidden as asked.
    Changed,
    /// The receipt is not good any more: the message is back, gone, or somebody else's.
    Stale,
    /// It could not be done just now.
    Failed,
}
