//! Which jobs a message holds: a job as it is, or an S3 event notification that names an upload.

use aws_lambda_events::s3::S3EventRecord;

use crate::domain::{ExtractionOptions, Job, keys};
use crate::{Error, Result};
use lambda_anywhere::{envelope, s3_key};

/// The jobs in a message's body: a job as it is, or an S3 event notification, plain or in an SNS
/// envelope. `s3:TestEvent` and events that bring no object hold none.
///
/// # Errors
/// [`Error::Permanent`] when the body is none of these, or an event of a bucket that is not ours:
/// no retry can help.
pub fn jobs_in_message(body: &str, is_ours: impl Fn(&str) -> bool) -> Result<Vec<Job>> {
    match envelope::s3_event(body)? {
        Some(event) => event
            .records
            .iter()
            .filter(|record| brings_object(record))
            .map(|record| match record.s3.bucket.name.as_deref() {
                Some(bucket) if !is_ours(bucket) => Err(Error::permanent(format!(
                    "the event is of another bucket, {bucket}"
                ))),
                _ => job_of_upload(record),
            })
            .collect(),
        None => Job::from_json(&envelope::unwrap_sns(body)).map(|job| vec![job]),
    }
}

fn job_of_upload(record: &S3EventRecord) -> Result<Job> {
    let key = s3_key(record)?;
    let (user_id, video_id) = keys::parse_upload(&key)?;
    Ok(Job {
        video_id: video_id.to_owned(),
        user_id: user_id.to_owned(),
        email: None,
        options: ExtractionOptions::default(),
        // An event may be late: what counts is the object that is there now.
        etag: None,
        round: 0,
        registered: false,
        postponements: 0,
        released_attempts: Vec::new(),
        waits_for: None,
        key,
    })
}

/// Whether an S3 event says that an object is there now.
fn brings_object(record: &S3EventRecord) -> bool {
    record
        .event_name
        .as_deref()
        .is_some_and(|name| name.trim_start_matches("s3:").starts_with("ObjectCreated:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_events_are_jobs_plain_or_in_an_envelope() {
        let event = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},
            "object":{"key":"uploads/u1/caf%C3%A9+1.mp4","size":1,"eTag":"abc"}}}]}"#;
        let envelope = serde_json::json!({
            "Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": event
        });
        for body in [event.to_owned(), envelope.to_string()] {
            let jobs = jobs_in_message(&body, |bucket| bucket == "b").expect("jobs");
            assert_eq!(jobs[0].video_id, "café 1.mp4");
            assert_eq!(jobs[0].key, "uploads/u1/café 1.mp4");
        }
    }

    #[test]
    fn a_test_event_and_a_removal_hold_no_job() {
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(jobs_in_message(test, |_| true), Ok(vec![]));
        let removal = r#"{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"bucket":{},
            "object":{"key":"uploads/u1/v1"}}}]}"#;
        assert_eq!(jobs_in_message(removal, |_| true), Ok(vec![]));
    }

    #[test]
    fn what_holds_no_job_can_never_be_done() {
        for body in [
            "not json",
            r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{},"object":{"key":"x"}}}]}"#,
            r#"["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"}]"#,
        ] {
            assert!(
                matches!(jobs_in_message(body, |_| true), Err(Error::Permanent(_))),
                "{body}"
            );
        }
    }
    #[test]
    fn an_event_of_another_bucket_is_no_job() {
        let event = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},
            "object":{"key":"uploads/u1/v1"}}}]}"#;
        assert!(jobs_in_message(event, |bucket| bucket == "b").is_ok());
        let other = jobs_in_message(event, |bucket| bucket == "ours");
        assert_eq!(
            other,
            Err(Error::permanent("the event is of another bucket, b"))
        );
    }
}
