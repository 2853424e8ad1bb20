//! The body of a message, as anybody may send one to a queue.

#![no_main]

use aws_lambda_events::sqs::SqsMessage;
use fotograma_core::domain::{Job, Notice, keys};
use lambda_anywhere::{envelope, s3_key};
use fotograma_core::features::job_messages::jobs_in_message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    if let Ok(jobs) = jobs_in_message(body, |_| true) {
        jobs.iter().for_each(check);
    }
    if let Ok(Some(event)) = envelope::s3_event(body) {
        for record in &event.records {
            let _ = s3_key(record);
        }
    }
    let mut message = SqsMessage::default();
    message.body = Some(body.to_owned());
    for record in envelope::sns_event(&message).records {
        if let Ok(notice) = serde_json::from_str::<Notice>(&record.sns.message) {
            check_subject(&notice.subject());
        }
    }
});

/// What may be done without a further look: nothing outside the user's own folder, and the same
/// job when it is sent on.
fn check(job: &Job) {
    keys::check_id("user_id", &job.user_id).expect("a user's id that can be part of a key");
    keys::check_id("video_id", &job.video_id).expect("a video's id that can be part of a key");
    assert!(job.key.starts_with(&keys::upload(&job.user_id, "")));
    assert_eq!(job.options.check(), Ok(()));
    let sent = serde_json::to_string(job).expect("a job is JSON");
    assert_eq!(Job::from_json(&sent).as_ref(), Ok(job));
}

/// What SNS takes as a subject.
fn check_subject(subject: &str) {
    assert!(!subject.is_empty() && subject.len() <= 100);
    assert!(subject.bytes().all(|b| b.is_ascii_graphic() || b == b' '));
}
