//! Features over SNS and S3 events, run behind a queue: the envelopes come off here, once.
//!
//! A queue subscribed to a topic gets each notification as a JSON envelope (or raw); a queue
//! that a bucket notifies gets S3's event, plain or in such an envelope. Each message is tried
//! by itself and reported by itself, so that one failure does not bring the others back.
//!
//! Formats: <https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::s3::{S3Event, S3EventRecord};
use aws_lambda_events::sns::{SnsEvent, SnsMessage, SnsRecord};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::{Error, Result};

/// The answer to a batch of messages, filled in message by message. Reports those that failed
/// as SQS expects it: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.
#[derive(Default)]
struct Batch(SqsBatchResponse);

/// Tries each message by itself: one that fails, or whose handler panics, fails alone.
///
/// # Errors
/// When a message that failed has no id: the whole batch must come back.
pub async fn each<'a, F>(
    event: &'a SqsEvent,
    handle: impl Fn(&'a SqsMessage) -> F,
) -> Result<SqsBatchResponse>
where
    F: Future<Output = Result<()>>,
{
    let mut batch = Batch::default();
    for message in &event.records {
        let tried = AssertUnwindSafe(async { handle(message).await }).catch_unwind();
        let outcome = tried
            .await
            .unwrap_or_else(|_| Err(Error::transient("the handler panicked")));
        batch.note(message, outcome)?;
    }
    Ok(batch.0)
}

impl Batch {
    fn note(&mut self, message: &SqsMessage, outcome: Result<()>) -> Result<()> {
        let Err(error) = outcome else { return Ok(()) };
        let id = message.message_id.as_deref().unwrap_or_default();
        tracing::warn!(message_id = id, %error, "a message could not be done");
        if id.is_empty() {
            return Err(Error::transient(format!(
                "a message without an id failed: {error}"
            )));
        }
        let mut failure = BatchItemFailure::default();
        id.clone_into(&mut failure.item_identifier);
        self.0.batch_item_failures.push(failure);
        Ok(())
    }
}

/// The SNS event that a message of a subscribed queue holds.
#[must_use]
pub fn sns_event(message: &SqsMessage) -> SnsEvent {
    let body = message.body.as_deref().unwrap_or_default();
    let mut sns = notification(body).unwrap_or_else(|| raw_delivery(body, message));
    "Notification".clone_into(&mut sns.sns_message_type);
    let mut record = SnsRecord::default();
    "aws:sns".clone_into(&mut record.event_source);
    "1.0".clone_into(&mut record.event_version);
    record.sns = sns;
    let mut event = SnsEvent::default();
    event.records.push(record);
    event
}

/// The message of an SNS envelope, with what a hand-written envelope leaves out.
fn notification(body: &str) -> Option<SnsMessage> {
    let mut value: Value = serde_json::from_str(body).ok()?;
    if value.get("Type").and_then(Value::as_str) != Some("Notification") {
        return None;
    }
    // A queue's envelope writes URL where Lambda's event writes Url.
    for (queue, lambda) in [
        ("SigningCertURL", "SigningCertUrl"),
        ("UnsubscribeURL", "UnsubscribeUrl"),
    ] {
        let envelope = value.as_object_mut()?;
        if let Some(url) = envelope.remove(queue) {
            envelope.insert(lambda.to_owned(), url);
        }
    }
    fill(
        &mut value,
        &json!({
            "MessageId": "", "TopicArn": "", "Timestamp": EPOCH, "SignatureVersion": "",
            "Signature": "", "SigningCertUrl": "", "UnsubscribeUrl": "",
        }),
    );
    serde_json::from_value(value).ok()
}

fn raw_delivery(body: &str, message: &SqsMessage) -> SnsMessage {
    let mut sns = SnsMessage::default();
    body.clone_into(&mut sns.message);
    sns.message_id = message.message_id.clone().unwrap_or_default();
    sns
}

/// A text among a message's attributes, or among those of the SNS envelope in it.
#[must_use]
pub fn attribute(message: &SqsMessage, name: &str) -> Option<String> {
    let own = message.message_attributes.get(name);
    own.and_then(|own| own.string_value.clone()).or_else(|| {
        let sns = notification(message.body.as_deref()?)?;
        sns.message_attributes.get(name).map(|a| a.value.clone())
    })
}

/// The message inside an SNS envelope; any other body as it is.
#[must_use]
pub fn unwrap_sns(body: &str) -> Cow<'_, str> {
    notification(body).map_or(Cow::Borrowed(body), |sns| Cow::Owned(sns.message))
}

/// The S3 event in a message's body, plain or in an SNS envelope; `s3:TestEvent` has no records.
/// `None`: the body is something else.
///
/// # Errors
/// [`Error::Permanent`] when it has S3's form but cannot be read.
pub fn s3_event(body: &str) -> Result<Option<S3Event>> {
    let body = unwrap_sns(body);
    let Ok(mut value) = serde_json::from_str::<Value>(&body) else {
        return Ok(None);
    };
    if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Some(S3Event::default()));
    }
    let Some(records) = value.get_mut("Records").and_then(Value::as_array_mut) else {
        return Ok(None);
    };
    // What no feature reads may be missing from an event that somebody wrote by hand.
    for record in records {
        fill(
            record,
            &json!({ "eventTime": EPOCH, "userIdentity": {}, "requestParameters": {} }),
        );
        if let Some(s3) = record.get_mut("s3") {
            fill(s3, &json!({ "bucket": {} }));
        }
    }
    serde_json::from_value(value)
        .map(Some)
        .map_err(|error| Error::permanent(format!("the S3 event cannot be read: {error}")))
}

const EPOCH: &str = "1970-01-01T00:00:00Z";

fn fill(value: &mut Value, defaults: &Value) {
    if let (Some(object), Some(defaults)) = (value.as_object_mut(), defaults.as_object()) {
        for (name, default) in defaults {
            if object.get(name).is_none_or(Value::is_null) {
                object.insert(name.clone(), default.clone());
            }
        }
    }
}

/// The key of an S3 event's object, decoded: events carry it percent-encoded with `+` for a
/// space, and `url_decoded_key` is only what a sender chose to write there.
///
/// # Errors
/// [`Error::Permanent`] when there is no key or it is not UTF-8.
pub fn s3_key(record: &S3EventRecord) -> Result<String> {
    let key = record
        .s3
        .object
        .key
        .as_deref()
        .unwrap_or_default()
        .replace('+', " ");
    let key = percent_decode_str(&key)
        .decode_utf8()
        .map_err(|_| Error::permanent(format!("the key {key:?} of the S3 event is not UTF-8")))?;
    if key.is_empty() {
        return Err(Error::permanent("the S3 event names no key"));
    }
    Ok(key.into_owned())
}
