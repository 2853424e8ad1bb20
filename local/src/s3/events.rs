//! Event notifications to SQS, put into the queue in the transaction that changes the object:
//! neither exists without the other.
//!
//! Source: "Event message structure" in the S3 user guide.

use rusqlite::Connection;
use s3s::s3_error;
use serde_json::json;
use uuid::Uuid;

use super::error::S3Failure;
use super::notifications::Rule;
use super::store::{self, Object};
use crate::sqs::{self, MessageAttributes, QueueId, Sqs};
use crate::state::State;

/// The rules of a bucket.
pub(super) fn load(connection: &Connection, bucket: &str) -> Result<Vec<Rule>, S3Failure> {
    let stored = store::bucket_config(connection, "notification", bucket)?;
    Ok(stored
        .map(|json| serde_json::from_str(&json))
        .transpose()?
        .unwrap_or_default())
}

/// Keeps new rules and sends each queue the test event, as AWS does; a queue that is not there
/// fails the call. Gives the queues to be woken.
pub(super) fn save(
    connection: &Connection,
    state: &State,
    bucket: &str,
    rules: &[Rule],
) -> Result<Vec<QueueId>, S3Failure> {
    let json = serde_json::to_string(rules)?;
    store::set_bucket_config(connection, "notification", bucket, Some(&json))?;
    let sqs = Sqs::of(state);
    let now = state.clock.now_ms();
    let body = json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso_time(now),
        "Bucket": bucket,
        "RequestId": Uuid::new_v4().to_string(),
        "HostId": Uuid::new_v4().to_string(),
    });
    let send = |rule: &Rule| {
        let attributes = MessageAttributes::new();
        sqs::enqueue(
            connection,
            &sqs,
            &rule.queue_arn,
            body.to_string(),
            attributes,
            now,
        )
        .map_err(|_| {
            let message = "Unable to validate the following destination configurations";
            S3Failure(s3_error!(InvalidArgument, "{message}: {}", rule.queue_arn))
        })
    };
    rules.iter().map(send).collect()
}

/// Tells of one change, inside its transaction. Gives the queues to be woken after the commit.
pub(super) fn emit(
    connection: &Connection,
    state: &State,
    bucket: &str,
    key: &str,
    event: &str,
    object: Option<&Object>,
) -> Result<Vec<QueueId>, S3Failure> {
    let mut told = Vec::new();
    for rule in load(connection, bucket)?
        .into_iter()
        .filter(|rule| rule.wants(event, key))
    {
        let now = state.clock.now_ms();
        let body = record(state, bucket, key, event, object, &rule.id).to_string();
        let attributes = MessageAttributes::new();
        let sqs = Sqs::of(state);
        match sqs::enqueue(connection, &sqs, &rule.queue_arn, body, attributes, now) {
            Ok(queue) => told.push(queue),
            // Deleted since: AWS drops the event as well, and the object stays.
            Err(error) => tracing::warn!(%error, queue = rule.queue_arn, "an S3 event was dropped"),
        }
    }
    Ok(told)
}

fn record(
    state: &State,
    bucket: &str,
    key: &str,
    event: &str,
    object: Option<&Object>,
    rule: &str,
) -> serde_json::Value {
    let mut told = json!({
        "key": encode_key(key),
        // Grows with every event, as AWS promises for the events of one key.
        "sequencer": Uuid::now_v7().simple().to_string().to_uppercase(),
    });
    if let Some(object) = object {
        told["size"] = json!(object.size);
        told["eTag"] = json!(object.etag);
    }
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": state.config.region,
        "eventTime": iso_time(state.clock.now_ms()),
        "eventName": event.trim_start_matches("s3:"),
        "userIdentity": {"principalId": state.config.account},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": Uuid::new_v4().to_string(),
            "x-amz-id-2": Uuid::new_v4().to_string(),
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule,
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": state.config.account},
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": told,
        },
    }]})
}

/// Keys travel encoded like a form: a space is `+`, all but letters, digits, `*-._` and the slash is
/// `%XX`.
pub(super) fn encode_key(key: &str) -> String {
    form_urlencoded::byte_serialize(key.as_bytes())
        .collect::<String>()
        .replace("%2F", "/")
}

fn iso_time(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_as_aws_encodes_them() {
        assert_eq!(
            encode_key("uploads/a b+c=é~.mp4"),
            "uploads/a+b%2Bc%3D%C3%A9%7E.mp4"
        );
    }
}
