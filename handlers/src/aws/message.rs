//! A message as SQS gives it to a poller, turned into what Lambda would show of it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>

use aws_lambda_events::encodings::Base64Data;
use aws_lambda_events::sqs::{SqsMessage, SqsMessageAttribute};
use aws_sdk_sqs::types::{Message, MessageAttributeValue};

/// The message as a record of Lambda's event for the queue `arn`.
pub(super) fn to_event(message: Message, arn: &str) -> SqsMessage {
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
        .map(|(name, value)| (name, to_attribute(value)))
        .collect();
    record.event_source = Some("aws:sqs".to_owned());
    record.event_source_arn = Some(arn.to_owned());
    record.aws_region = arn.split(':').nth(3).map(str::to_owned);
    record
}

fn to_attribute(value: MessageAttributeValue) -> SqsMessageAttribute {
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
    use aws_sdk_sqs::types::MessageSystemAttributeName;

    use super::*;

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
        let record = to_event(message, "arn:aws:sqs:eu-west-1:000000000000:q");
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
