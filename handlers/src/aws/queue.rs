//! What a worker needs of a queue, over SQS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use fotograma_core::{Error, Result};
use tokio::sync::OnceCell;

use super::error::fault;
use super::{Aws, message};
use lambda_anywhere::worker::Queue;

/// The most messages that one request takes.
const BATCH: usize = 10;

/// What SQS says when a receipt's time is over: the message is back, gone, or somebody else's.
const STALE_RECEIPT: [&str; 4] = [
    "InvalidParameterValue",
    "MessageNotInflight",
    "AWS.SimpleQueueService.MessageNotInflight",
    "ReceiptHandleIsInvalid",
];

/// [`Queue`] over SQS.
pub struct SqsQueue {
    aws: Arc<Aws>,
    short: String,
    arn: OnceCell<String>,
}

impl SqsQueue {
    /// The queue with this short name.
    #[must_use]
    pub fn new(aws: Arc<Aws>, short: &str) -> Self {
        Self {
            aws,
            short: short.to_owned(),
            arn: OnceCell::new(),
        }
    }

    async fn url(&self) -> Result<String> {
        self.aws.queue_url(&self.short).await
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<SqsMessage>> {
        // Before the messages: were it to fail after, they would be hidden and not seen.
        let arn = self.arn.get_or_try_init(|| self.aws.queue_arn(&self.short));
        let arn = arn.await?;
        let output = self
            .aws
            .sqs()
            .receive_message()
            .queue_url(self.url().await?)
            .max_number_of_messages(i32::try_from(max.clamp(1, BATCH)).unwrap_or(1))
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(visibility))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| fault("sqs ReceiveMessage", &error))?;
        let messages = output.messages.unwrap_or_default();
        Ok(messages
            .into_iter()
            .map(|message| message::to_event(message, arn))
            .collect())
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        let url = self.url().await?;
        let mut left = Vec::new();
        for receipts in receipts.chunks(BATCH) {
            let entries: Result<Vec<_>> = receipts.iter().enumerate().map(entry).collect();
            let output = self
                .aws
                .sqs()
                .delete_message_batch()
                .queue_url(&url)
                .set_entries(Some(entries?))
                .send()
                .await
                .map_err(|error| fault("sqs DeleteMessageBatch", &error))?;
            for failed in output.failed {
                tracing::debug!(code = failed.code, message = failed.message, "not deleted");
                let receipt = failed.id.parse().ok().and_then(|i: usize| receipts.get(i));
                left.extend(receipt.cloned());
            }
        }
        Ok(left)
    }

    async fn change_visibility(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        let change = self
            .aws
            .sqs()
            .change_message_visibility()
            .queue_url(self.url().await?);
        let outcome = change
            .receipt_handle(receipt)
            .visibility_timeout(seconds(visibility))
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(refusal))
                if refusal
                    .err()
                    .code()
                    .is_some_and(|code| STALE_RECEIPT.contains(&code)) =>
            {
                Ok(false)
            }
            Err(error) => Err(fault("sqs ChangeMessageVisibility", &error)),
        }
    }
}

fn entry((id, receipt): (usize, &String)) -> Result<DeleteMessageBatchRequestEntry> {
    DeleteMessageBatchRequestEntry::builder()
        .id(id.to_string())
        .receipt_handle(receipt)
        .build()
        .map_err(|error| Error::permanent(error.to_string()))
}

/// Whole seconds, rounded up so that what is short is not nothing.
fn seconds(duration: Duration) -> i32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_time_is_not_no_time() {
        assert_eq!(seconds(Duration::ZERO), 0);
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_secs(20)), 20);
    }
}
