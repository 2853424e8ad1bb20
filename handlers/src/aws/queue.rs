//! What a worker needs of a queue, over SQS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::encodings::Base64Data;
use aws_lambda_events::sqs::{SqsMessage, SqsMessageAttribute};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName,
};
use fotograma_core::{Error, Result};
use lambda_anywhere::worker::{Queue, VisibilityChange, VisibilityOutcome};
use tokio::sync::OnceCell;

use super::Aws;
use super::error::sdk_error;

/// The most messages that one request takes.
const MAX_BATCH: usize = 10;

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
    name: String,
    arn: OnceCell<String>,
}

impl SqsQueue {
    /// The queue with this resource name.
    #[must_use]
    pub fn new(aws: Arc<Aws>, name: &str) -> Self {
        Self {
            aws,
            name: name.to_owned(),
            arn: OnceCell::new(),
        }
    }

    async fn url(&self) -> Result<String> {
        self.aws.queue_url(&self.name).await
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
        let arn = self.arn.get_or_try_init(|| self.aws.queue_arn(&self.name));
        let arn = arn.await?;
        let output = self
            .aws
            .sqs()
            .receive_message()
            .queue_url(self.url().await?)
            .max_number_of_messages(i32::try_from(max.clamp(1, MAX_BATCH)).unwrap_or(1))
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(visibility))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| sdk_error("sqs ReceiveMessage", &error))?;
        let messages = output.messages.unwrap_or_default();
        Ok(messages
            .into_iter()
            .map(|message| lambda_message(message, arn))
            .collect())
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        let url = self.url().await?;
        let mut left = Vec::new();
        for receipts in receipts.chunks(MAX_BATCH) {
            let entries: Result<Vec<_>> = receipts.iter().enumerate().map(delete_entry).collect();
            let output = self
                .aws
                .sqs()
                .delete_message_batch()
                .queue_url(&url)
                .set_entries(Some(entries?))
                .send()
                .await
                .map_err(|error| sdk_error("sqs DeleteMessageBatch", &error))?;
            for failed in output.failed {
                tracing::debug!(code = failed.code, message = failed.message, "not deleted");
                let receipt = failed.id.parse().ok().and_then(|i: usize| receipts.get(i));
                left.extend(receipt.cloned());
            }
        }
        Ok(left)
    }

    async fn change_visibility(
        &self,
        changes: &[VisibilityChange],
    ) -> Result<Vec<VisibilityOutcome>> {
        let url = self.url().await?;
        let mut outcomes = Vec::with_capacity(changes.len());
        for changes in changes.chunks(MAX_BATCH) {
            let entries: Result<Vec<_>> = changes.iter().enumerate().map(change_entry).collect();
            let output = self
                .aws
                .sqs()
                .change_message_visibility_batch()
                .queue_url(&url)
                .set_entries(Some(entries?))
                .send()
                .await
                .map_err(|error| sdk_error("sqs ChangeMessageVisibilityBatch", &error))?;
            let mut of_these = vec![VisibilityOutcome::Changed; changes.len()];
            for failed in output.failed {
                tracing::debug!(code = failed.code, message = failed.message, "not changed");
                let place = failed.id.parse().ok();
                let outcome = place.and_then(|place: usize| of_these.get_mut(place));
                if let Some(outcome) = outcome {
                    *outcome = if STALE_RECEIPT.contains(&failed.code.as_str()) {
                        VisibilityOutcome::Stale
                    } else {
                        VisibilityOutcome::Failed
                    };
                }
            }
            outcomes.extend(of_these);
        }
        Ok(outcomes)
    }
}

fn change_entry(
    (id, change): (usize, &VisibilityChange),
) -> Result<ChangeMessageVisibilityBatchRequestEntry> {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(id.to_string())
        .receipt_handle(&change.receipt)
        .visibility_timeout(seconds(change.visibility))
        .build()
        .map_err(|error| Error::operational(error.to_string()))
}

fn delete_entry((id, receipt): (usize, &String)) -> Result<DeleteMessageBatchRequestEntry> {
    DeleteMessageBatchRequestEntry::builder()
        .id(id.to_string())
        .receipt_handle(receipt)
        .build()
        .map_err(|error| Error::operational(error.to_string()))
}

/// Whole seconds, rounded up so that what is short is not nothing.
fn seconds(duration: Duration) -> i32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

/// A message of the queue `arn` as Lambda would show it:
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>.
fn lambda_message(message: Message, arn: &str) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = message.message_id;
    record.receipt_handle = message.receipt_handle;
    record.body = message.body;
    record.md5_of_body = message.md5_of_body;
    record.md5_of_message_attributes = message.md5_of_message_attributes;
    record.attributes = message
        .attributes
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (name.as_str().to_owned(), value))
        .collect();
    record.message_attributes = message
        .message_attributes
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (name, lambda_attribute(value)))
        .collect();
    record.event_source = Some("aws:sqs".to_owned());
    record.event_source_arn = Some(arn.to_owned());
    record.aws_region = arn.split(':').nth(3).map(str::to_owned);
    record
}

fn lambda_attribute(value: MessageAttributeValue) -> SqsMessageAttribute {
    let mut attribute = SqsMessageAttribute::default();
    attribute.data_type = Some(value.data_type);
    attribute.string_value = value.string_value;
    attribute.binary_value = value.binary_value.map(|blob| {
        let mut data = Base64Data::default();
        data.0 = blob.into_inner();
        data
    });
    attribute
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::primitives::Blob;

    use super::*;

    #[test]
    fn a_short_time_is_not_no_time() {
        assert_eq!(seconds(Duration::ZERO), 0);
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_secs(20)), 20);
    }

    #[test]
    fn a_message_reads_as_lambda_shows_it() {
        let attribute = |kind: &str| MessageAttributeValue::builder().data_type(kind);
        let message = Message::builder()
            .message_id("m")
            .receipt_handle("r")
            .body("b")
            .md5_of_body("92eb5ffee6ae2fec3ad71c777531578f")
            .md5_of_message_attributes("x")
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "2")
            .attributes(MessageSystemAttributeName::SentTimestamp, "1")
            .message_attributes(
                "reason",
                attribute("String").string_value("s").build().expect("one"),
            )
            .message_attributes(
                "raw",
                attribute("Binary")
                    .binary_value(Blob::new(*b"hi"))
                    .build()
                    .expect("one"),
            )
            .build();
        let record = lambda_message(message, "arn:aws:sqs:eu-west-1:000000000000:q");
        assert_eq!(
            serde_json::to_value(record).expect("json"),
            serde_json::json!({
                "messageId": "m",
                "receiptHandle": "r",
                "body": "b",
                "md5OfBody": "92eb5ffee6ae2fec3ad71c777531578f",
                "md5OfMessageAttributes": "x",
                "attributes": { "ApproximateReceiveCount": "2", "SentTimestamp": "1" },
                "messageAttributes": {
                    "reason": {
                        "stringValue": "s", "binaryValue": null, "dataType": "String",
                        "stringListValues": [], "binaryListValues": [],
                    },
                    "raw": {
                        "stringValue": null, "binaryValue": "aGk=", "dataType": "Binary",
                        "stringListValues": [], "binaryListValues": [],
                    },
                },
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:q",
                "awsRegion": "eu-west-1",
            })
        );
    }
}
