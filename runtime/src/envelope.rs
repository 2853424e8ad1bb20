//! The envelopes around an event that comes through a queue: here they come off, once.
//!
//! A queue subscribed to a topic gets each notification as a JSON envelope (or raw); a queue
//! that a bucket notifies gets S3's event, plain or in such an envelope.
//!
//! Formats: <https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.

use std::borrow::Cow;

use aws_lambda_events::s3::{S3Event, S3EventRecord};
use aws_lambda_events::sns::{SnsEvent, SnsMessage, SnsRecord};
use aws_lambda_events::sqs::SqsMessage;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{Error, Result};

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

/// The class names that AWS's extended clients begin a claim-check pointer with, old and new.
const POINTERS: [&str; 2] = [
    "software.amazon.payloadoffloading.PayloadS3Pointer",
    "com.amazon.sqs.javamessaging.MessageS3Pointer",
];

/// Refuses the claim-check pointer that the extended clients of SQS and SNS send instead of a long
/// body, which lies in a bucket of the sender's: it is not followed.
/// <https://github.com/awslabs/payload-offloading-java-common-lib-for-aws>
///
/// # Errors
/// [`Error::Permanent`] with where the body lies.
pub fn refuse_pointer(body: &str) -> Result<()> {
    // Cheap for all that is none: the array begins with one of a few texts.
    if !body.trim_start().starts_with('[') {
        return Ok(());
    }
    let Ok((class, at)) = serde_json::from_str::<(String, Value)>(body) else {
        return Ok(());
    };
    if !POINTERS.contains(&class.as_str()) {
        return Ok(());
    }
    let text = |name: &str| at.get(name).and_then(Value::as_str).unwrap_or("?");
    Err(Error::permanent(format!(
        "the body is a claim-check pointer of the extended client, to s3://{}/{}; pointers are not followed",
        text("s3BucketName"),
        text("s3Key"),
    )))
}

/// The S3 event in a message's body: as S3 writes it, as `EventBridge` does, or either in an SNS
/// envelope; `s3:TestEvent` has no records. `None`: the body is something else.
///
/// # Errors
/// [`Error::Permanent`] when it has S3's form but cannot be read, or is a claim-check pointer.
pub fn s3_event(body: &str) -> Result<Option<S3Event>> {
    let body = unwrap_sns(body);
    refuse_pointer(&body)?;
    match serde_json::from_str::<Value>(&body) {
        Ok(value) => s3_event_from_payload(value),
        Err(_) => Ok(None),
    }
}

/// The S3 event in the payload of an invocation: as S3 writes it, as `EventBridge` does, or
/// either in an SNS event. `None`: it is something else.
///
/// # Errors
/// [`Error::Permanent`] when it has S3's form but cannot be read.
pub fn s3_event_from_payload(mut value: Value) -> Result<Option<S3Event>> {
    if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Some(S3Event::default()));
    }
    if value.get("source").and_then(Value::as_str) == Some("aws.s3") {
        return from_event_bridge(&value).map(Some);
    }
    let Some(records) = value.get_mut("Records").and_then(Value::as_array_mut) else {
        return Ok(None);
    };
    if records.iter().any(|record| record.get("Sns").is_some()) {
        return from_sns_records(records);
    }
    // What no handler reads may be missing from an event that somebody wrote by hand.
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

/// The S3 events in the records of an SNS event, as one.
fn from_sns_records(records: &[Value]) -> Result<Option<S3Event>> {
    let mut all = S3Event::default();
    for record in records {
        let message = record.pointer("/Sns/Message").and_then(Value::as_str);
        match s3_event(message.unwrap_or_default())? {
            Some(event) => all.records.extend(event.records),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

/// An event of S3 as `EventBridge` has it, whose key is not encoded:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>.
fn from_event_bridge(event: &Value) -> Result<S3Event> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let kind = text("/detail-type").unwrap_or_default();
    if kind != "Object Created" {
        return Err(Error::permanent(format!("S3's {kind:?} is not taken")));
    }
    let reason = text("/detail/reason").unwrap_or("PutObject");
    let event_name = match reason {
        "CompleteMultipartUpload" => "ObjectCreated:CompleteMultipartUpload",
        "CopyObject" => "ObjectCreated:Copy",
        "POST Object" => "ObjectCreated:Post",
        _ => "ObjectCreated:Put",
    };
    let key = text("/detail/object/key").unwrap_or_default();
    let key = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
    let object = event.pointer("/detail/object");
    let record = json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": event_name,
        "awsRegion": event.get("region"), "eventTime": text("/time").unwrap_or(EPOCH),
        "s3": {
            "bucket": { "name": event.pointer("/detail/bucket/name") },
            "object": {
                "key": key,
                "size": object.and_then(|object| object.get("size")),
                "eTag": object.and_then(|object| object.get("etag")),
                "versionId": object.and_then(|object| object.get("version-id")),
                "sequencer": object.and_then(|object| object.get("sequencer")),
            },
        },
    }] });
    s3_event_from_payload(record).map(Option::unwrap_or_default)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(event: &S3Event) -> Vec<(Option<&str>, String)> {
        let keys = event.records.iter().map(|record| {
            let bucket = record.s3.bucket.name.as_deref();
            (bucket, s3_key(record).expect("a key"))
        });
        keys.collect()
    }

    #[test]
    fn an_upload_is_read_whichever_way_it_is_told() {
        let by_s3 = json!({ "Records": [{
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": "b" }, "object": { "key": "in/a+b%2Bc.txt", "size": 3 } },
        }] });
        // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
        let by_event_bridge = json!({
            "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3",
            "account": "123456789012", "time": "2026-01-01T12:00:00Z", "region": "us-east-1",
            "resources": ["arn:aws:s3:::b"],
            "detail": {
                "version": "0", "bucket": { "name": "b" }, "reason": "PutObject",
                "object": { "key": "in/a b+c.txt", "size": 3, "etag": "e", "sequencer": "1" },
            },
        });
        for told in [by_s3, by_event_bridge] {
            let in_sns = json!({ "Type": "Notification", "Message": told.to_string() });
            let sns = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": in_sns }] });
            let expected = vec![(Some("b"), "in/a b+c.txt".to_owned())];
            for payload in [told.clone(), sns] {
                let event = s3_event_from_payload(payload).expect("readable");
                assert_eq!(keys(&event.expect("an S3 event")), expected);
            }
            for body in [told.to_string(), in_sns.to_string()] {
                let event = s3_event(&body).expect("readable");
                assert_eq!(keys(&event.expect("an S3 event")), expected);
            }
        }
    }

    #[test]
    fn a_claim_check_pointer_is_refused_by_its_name() {
        for class in POINTERS {
            let pointer = json!([class, { "s3BucketName": "big", "s3Key": "k" }]).to_string();
            let in_sns = json!({ "Type": "Notification", "Message": pointer }).to_string();
            for body in [pointer, in_sns] {
                let Err(Error::Permanent(cause)) = s3_event(&body) else {
                    panic!("{body} was taken");
                };
                let why = cause.message();
                assert!(why.contains("claim-check pointer"), "{why}");
                assert!(why.contains("s3://big/k"), "{why}");
            }
        }
        for other in ["", "[]", "[1, 2]", r#"["some.Class", {}]"#, "{}"] {
            assert_eq!(refuse_pointer(other), Ok(()), "{other}");
        }
    }

    #[test]
    fn what_is_no_upload_is_not_taken_for_one() {
        for other in [
            "hello",
            "{}",
            r#"{"Records":[{"Sns":{"Message":"hello"}}]}"#,
        ] {
            assert_eq!(
                s3_event(other).expect("readable").map(|_| ()),
                None,
                "{other}"
            );
        }
        let deleted = r#"{"source":"aws.s3","detail-type":"Object Deleted","detail":{}}"#;
        assert!(matches!(s3_event(deleted), Err(Error::Permanent(_))));
        let test = s3_event(r#"{"Event":"s3:TestEvent"}"#).expect("readable");
        assert!(test.expect("an S3 event").records.is_empty());
    }
}
