//! Which jobs a message holds: a job as it is, or an S3 event notification that names an upload.

use aws_lambda_events::s3::S3EventRecord;

use crate::Result;
use crate::domain::{Job, Mode, every, keys};
use lambda_anywhere::{envelope, s3_key};

/// The jobs in a message's body: a job as it is, or an S3 event notification, plain or in an SNS
/// envelope. `s3:TestEvent` and events that bring no object hold none.
///
/// # Errors
/// [`Error::Permanent`](crate::Error::Permanent) when the body is none of these: no retry can help.
pub fn jobs_in_message(body: &str) -> Result<Vec<Job>> {
    match envelope::s3_event(body)? {
        Some(event) => event
            .records
            .iter()
            .filter(|record| brings_object(record))
            .map(job_of_upload)
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
        every_ms: every::DEFAULT_MS,
        mode: Mode::default(),
        // An event may be late: what counts is the object that is there now.
        etag: None,
        round: 0,
        registered: false,
        postponements: 0,
        released_attempt: None,
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
    use crate::Error;

    #[test]
    fn s3_events_are_jobs_plain_or_in_an_envelope() {
        let event = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},
            "object":{"key":"uploads/u1/caf%C3%A9+1.mp4","size":1,"eTag":"abc"}}}]}"#;
        let envelope = serde_json::json!({
            "Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": event
        });
        for body in [event.to_owned(), envelope.to_string()] {
            let jobs = jobs_in_message(&body).expect("jobs");
            assert_eq!(jobs[0].video_id, "café 1.mp4");
            assert_eq!(jobs[0].key, "uploads/u1/café 1.mp4");
        }
    }

    #[test]
    fn a_test_event_and_a_removal_hold_no_job() {
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(jobs_in_message(test), Ok(vec![]));
        let removal = r#"{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"bucket":{},
            "object":{"key":"uploads/u1/v1"}}}]}"#;
        assert_eq!(jobs_in_message(removal), Ok(vec![]));
    }

    #[test]
    fn what_holds_no_job_can_never_be_done() {
        for body in [
            "not json",
            r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{},"object":{"key":"x"}}}]}"#,
        ] {
            assert!(
                matches!(jobs_in_message(body), Err(Error::Permanent(_))),
                "{body}"
            );
        }
    }
}
