use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use fotograma::aws::{SesMailer, SnsTopic, SqsJobs, SqsQueue, redrive};
use fotograma_core::Error;
use fotograma_core::domain::{Job, Mail, Notice};
use fotograma_core::features::TABLE;
use fotograma_core::features::job_messages::jobs_in_message;
use fotograma_core::features::resources::{
    self, NOTIFICATION_QUEUE, UPLOAD_QUEUE, VIDEO_DEAD_LETTERS, VIDEO_QUEUE,
};
use fotograma_core::ports::{Jobs, MailSent, Mailer, Topic};
use fotograma_local::{Fault, FaultKind, ServiceName};
use lambda_anywhere::worker::VisibilityOutcome::{self, Changed, Stale};
use lambda_anywhere::worker::{Queue, VisibilityChange};
use serde_json::Value;

use super::world::World;

const WAIT: Duration = Duration::from_secs(5);
const HIDDEN: Duration = Duration::from_secs(30);

fn queue(world: &World, name: &str) -> SqsQueue {
    SqsQueue::new(Arc::clone(&world.aws), name)
}

async fn receive(queue: &SqsQueue) -> SqsMessage {
    let mut messages = queue.receive(10, WAIT, HIDDEN).await.expect("an answer");
    assert_eq!(messages.len(), 1, "one message");
    messages.remove(0)
}

fn receipt(message: &SqsMessage) -> String {
    message.receipt_handle.clone().expect("a receipt")
}

fn count(message: &SqsMessage) -> &str {
    &message.attributes["ApproximateReceiveCount"]
}

fn change(receipt: &str, visibility: Duration) -> VisibilityChange {
    VisibilityChange {
        receipt: receipt.to_owned(),
        visibility,
    }
}

/// Hides one message; what became of it.
async fn hide(queue: &SqsQueue, receipt: &str, visibility: Duration) -> VisibilityOutcome {
    let outcomes = queue
        .change_visibility(&[change(receipt, visibility)])
        .await;
    outcomes.expect("an answer")[0]
}

#[tokio::test]
async fn a_job_goes_through_the_queue_as_lambda_would_show_it() {
    let world = World::new().await;
    let queue = queue(&world, VIDEO_QUEUE);
    let job =
        vec![Job::from_json(r#"{"video_id":"v1","user_id":"ü","etag":"\"e\""}"#).expect("a job")];
    let jobs = SqsJobs::new(Arc::clone(&world.aws));
    jobs.send(&job[0], chrono::Duration::zero())
        .await
        .expect("it is sent");

    let message = receive(&queue).await;
    assert_eq!(
        jobs_in_message(message.body.as_deref().expect("a body"), |_| true),
        Ok(job)
    );
    assert_eq!(message.event_source.as_deref(), Some("aws:sqs"));
    let arn = "arn:aws:sqs:us-east-1:000000000000:tech5-dev-video-queue";
    assert_eq!(message.event_source_arn.as_deref(), Some(arn));
    assert_eq!(message.aws_region.as_deref(), Some("us-east-1"));
    assert!(message.message_id.is_some() && message.md5_of_body.is_some());
    assert!(message.attributes.contains_key("SentTimestamp"));
    assert_eq!(count(&message), "1");

    assert_eq!(hide(&queue, &receipt(&message), HIDDEN * 2).await, Changed);
    assert_eq!(
        hide(&queue, &receipt(&message), Duration::ZERO).await,
        Changed
    );
    let again = receive(&queue).await;
    assert_eq!(
        (count(&again), &again.message_id),
        ("2", &message.message_id)
    );

    assert_eq!(queue.delete(&[receipt(&again)]).await, Ok(vec![]));
    let away = hide(&queue, &receipt(&again), HIDDEN).await;
    assert_eq!(away, Stale, "it is away");
    let none = queue
        .receive(10, Duration::ZERO, HIDDEN)
        .await
        .expect("an answer");
    assert!(none.is_empty());
}

#[tokio::test]
async fn what_is_not_deleted_is_told() {
    let world = World::new().await;
    let queue = queue(&world, VIDEO_QUEUE);
    let jobs = SqsJobs::new(Arc::clone(&world.aws));
    let job = Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
    for _ in 0..12 {
        jobs.send(&job, chrono::Duration::zero())
            .await
            .expect("it is sent");
    }
    let mut receipts = Vec::new();
    while receipts.len() < 12 {
        let messages = queue.receive(10, WAIT, HIDDEN).await.expect("an answer");
        receipts.extend(messages.iter().map(receipt));
    }
    receipts.insert(3, "nonsense".to_owned());
    let changes: Vec<_> = receipts
        .iter()
        .map(|receipt| change(receipt, HIDDEN))
        .collect();
    let outcomes = queue.change_visibility(&changes).await.expect("outcomes");
    let mut expected = vec![Changed; 13];
    expected[3] = Stale;
    assert_eq!(outcomes, expected);
    assert_eq!(
        queue.delete(&receipts).await,
        Ok(vec!["nonsense".to_owned()])
    );
}

#[tokio::test]
async fn a_hopeless_message_is_put_aside_with_the_reason() {
    let world = World::new().await;
    let jobs = SqsJobs::new(Arc::clone(&world.aws));
    jobs.dead_letter("not a job", "the message is not a job: expected value")
        .await
        .expect("it is put");
    let aside = queue(&world, VIDEO_DEAD_LETTERS);
    let message = receive(&aside).await;
    assert_eq!(message.body.as_deref(), Some("not a job"));
    let reason = &message.message_attributes["reason"];
    assert_eq!(
        reason.string_value.as_deref(),
        Some("the message is not a job: expected value")
    );
    assert_eq!(
        queue(&world, VIDEO_DEAD_LETTERS)
            .delete(&[receipt(&message)])
            .await,
        Ok(vec![])
    );

    let long = "x".repeat(256 * 1024);
    jobs.dead_letter(&long, "too long to have a reason")
        .await
        .expect("it is put");
    assert_eq!(receive(&aside).await.body, Some(long));
}

#[tokio::test]
async fn a_message_is_put_aside_after_as_many_tries_as_the_table_says() {
    let world = World::new().await;
    let queue = queue(&world, VIDEO_QUEUE);
    let jobs = SqsJobs::new(Arc::clone(&world.aws));
    let job = Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
    jobs.send(&job, chrono::Duration::zero())
        .await
        .expect("it is sent");
    let max_receives = resources::queues(TABLE)[1].max_receives;
    for _ in 0..max_receives {
        let message = receive(&queue).await;
        assert_eq!(
            hide(&queue, &receipt(&message), Duration::ZERO).await,
            Changed
        );
    }
    assert!(
        queue
            .receive(1, Duration::ZERO, HIDDEN)
            .await
            .expect("an answer")
            .is_empty()
    );
    let aside = SqsQueue::new(Arc::clone(&world.aws), VIDEO_DEAD_LETTERS);
    assert_eq!(
        jobs_in_message(
            receive(&aside).await.body.as_deref().expect("a body"),
            |_| true
        ),
        Ok(vec![job])
    );
}

#[tokio::test]
async fn a_notice_reaches_the_queue_in_its_envelope() {
    let world = World::new().await;
    let notice: Notice = serde_json::from_str(
        r#"{"notice_id":"n1","video_id":"v1","status":"done","filename":"férias.mp4","frames":3}"#,
    )
    .expect("a notice");
    let id = SnsTopic::new(Arc::clone(&world.aws))
        .publish(&notice)
        .await
        .expect("an id");
    let message = receive(&queue(&world, NOTIFICATION_QUEUE)).await;
    let envelope: Value =
        serde_json::from_str(message.body.as_deref().expect("a body")).expect("json");
    assert_eq!(envelope["Type"], "Notification");
    assert_eq!(envelope["MessageId"], id);
    assert_eq!(envelope["Subject"], notice.subject());
    assert_eq!(envelope["MessageAttributes"]["status"]["Value"], "done");
    let inner = envelope["Message"].as_str().expect("a message");
    assert_eq!(
        serde_json::from_str::<Notice>(inner).expect("a notice"),
        notice
    );
}

#[tokio::test]
async fn an_upload_is_told_to_its_queue() {
    let world = World::new().await;
    let queue = queue(&world, UPLOAD_QUEUE);
    // The bucket's own test comes first; news of uploads wait.
    world.local.clock().advance(Duration::from_secs(15));
    let first = receive(&queue).await;
    assert_eq!(
        jobs_in_message(first.body.as_deref().expect("a body"), |_| true),
        Ok(vec![])
    );
    queue
        .delete(&[receipt(&first)])
        .await
        .expect("it is deleted");

    world.put("frames/u1/v1.zip", "not an upload").await;
    let etag = world.put("uploads/u1/férias + 1", "hello").await;
    world.local.clock().advance(Duration::from_secs(15));
    let message = receive(&queue).await;
    let body = message.body.as_deref().expect("a body");
    let bucket = world.aws.settings().bucket();
    let jobs = jobs_in_message(body, |name| name == bucket).expect("jobs");
    assert_eq!(jobs[0].key, "uploads/u1/férias + 1");
    let event: Value = serde_json::from_str(body).expect("json");
    assert_eq!(
        event["Records"][0]["s3"]["object"]["eTag"],
        etag.trim_matches('"')
    );
}

#[tokio::test]
async fn a_mail_arrives_as_text_and_as_html() {
    let world = World::new().await;
    let mail = Mail {
        to: "ana@example.com".to_owned(),
        subject: "Your frames are ready: férias".to_owned(),
        text: "Olá\n".to_owned(),
        html: "<p>Olá</p>".to_owned(),
    };
    let mailer = SesMailer::new(Arc::clone(&world.aws));
    assert_eq!(mailer.send(&mail).await, Ok(MailSent::Accepted));
    let mails = world.mails("ana@example.com").await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0]["subject"], mail.subject);
    assert_eq!(mails[0]["text"], mail.text);
    assert_eq!(mails[0]["html"], mail.html);
    assert_eq!(mails[0]["from"], world.aws.settings().mail_from());
}

#[tokio::test]
async fn a_mail_without_an_answer_may_have_gone_and_is_sent_once() {
    let world = World::new().await;
    let mail = Mail {
        to: "ana@example.com".to_owned(),
        subject: "Your frames are ready".to_owned(),
        text: "text".to_owned(),
        html: "<p>text</p>".to_owned(),
    };
    let mailer = SesMailer::new(Arc::clone(&world.aws));
    let send = |kind| {
        let fault = Fault::new(kind).on(ServiceName::Ses, "SendEmail").times(1);
        world.local.faults().add(fault);
        mailer.send(&mail)
    };
    assert_eq!(send(FaultKind::CutAfter).await, Ok(MailSent::Unknown));
    assert_eq!(world.mails("ana@example.com").await.len(), 1);
    let refused = send(FaultKind::Throttle).await;
    assert!(matches!(refused, Err(Error::Transient(_))), "{refused:?}");
    assert_eq!(world.mails("ana@example.com").await.len(), 1);
}

#[tokio::test]
async fn a_job_is_sent_again_only_when_it_was_surely_not_taken() {
    let world = World::new().await;
    let jobs = SqsJobs::new(Arc::clone(&world.aws));
    let queue = queue(&world, VIDEO_QUEUE);
    let job = Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
    let send = |kind, times| {
        let fault = Fault::new(kind).on(ServiceName::Sqs, "SendMessage");
        world.local.faults().add(fault.times(times));
        jobs.send(&job, chrono::Duration::zero())
    };
    let unknown = send(FaultKind::CutAfter, 1).await;
    assert!(matches!(unknown, Err(Error::Transient(_))), "{unknown:?}");
    receive(&queue).await;
    assert_eq!(send(FaultKind::Throttle, 2).await, Ok(()));
    receive(&queue).await;
    let refused = send(FaultKind::AccessDenied, 1).await;
    assert!(matches!(refused, Err(Error::Operational(_))), "{refused:?}");
}

#[tokio::test]
async fn a_job_with_a_delay_and_one_that_is_redriven_come_when_they_should() {
    let world = World::new().await;
    let jobs = SqsJobs::new(Arc::clone(&world.aws));
    let job = Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
    jobs.send(&job, chrono::Duration::milliseconds(59_001))
        .await
        .expect("it is sent");
    let work = queue(&world, VIDEO_QUEUE);
    let none = work.receive(10, Duration::ZERO, HIDDEN).await;
    assert_eq!(none.expect("an answer").len(), 0, "it is delayed");
    world.local.clock().advance(Duration::from_mins(1));
    let messages = work.receive(10, WAIT, HIDDEN).await.expect("an answer");
    assert_eq!(messages.len(), 1);

    jobs.dead_letter("poison", "it is no job")
        .await
        .expect("it is put");
    let arn = redrive::start_redrive(&world.aws, VIDEO_DEAD_LETTERS, VIDEO_QUEUE, None)
        .await
        .expect("it begins");
    let back = work.receive(10, WAIT, HIDDEN).await.expect("an answer");
    assert_eq!(back[0].body.as_deref(), Some("poison"));
    let task = redrive::newest_redrive(&world.aws, &arn).await;
    assert_eq!(task.expect("an answer").map(|task| task.moved), Some(1));
}
