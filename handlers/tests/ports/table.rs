//! A feature with a queue of its own, in a table of its own: what is provisioned, sent, worked off, put
//! aside and moved back comes from its row alone.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use fotograma::aws::{SqsQueue, provision, redrive};
use fotograma_core::features::resources;
use lambda_anywhere::worker::{Queue, VisibilityChange, VisibilityOutcome, Worker, WorkerOptions};
use lambda_anywhere::{Feature, Host, Limits, Trigger};
use tokio_util::sync::CancellationToken;

use super::world::World;

const HIDDEN: Duration = Duration::from_secs(30);

static TABLE: [Feature<()>; 1] = [Feature {
    name: "make-thumbnail",
    service: "thumbnails",
    about: "makes a thumbnail",
    trigger: Trigger::Sqs {
        queue: "thumbnail-queue",
        pause: Duration::ZERO,
        handle: |(), event| {
            Box::pin(async move {
                let mut response = SqsBatchResponse::default();
                for message in event.records {
                    if message.body.as_deref() != Some("a job") {
                        let mut failure = BatchItemFailure::default();
                        failure.item_identifier = message.message_id.unwrap_or_default();
                        response.batch_item_failures.push(failure);
                    }
                }
                Ok(response)
            })
        },
    },
    limits: Limits::DEFAULT,
    permissions: &[],
}];

async fn send(world: &World, body: &str) {
    let url = world
        .aws
        .queue_url("thumbnail-queue")
        .await
        .expect("a queue");
    let send = world.aws.sqs().send_message().queue_url(url);
    send.message_body(body).send().await.expect("it is sent");
}

/// How many messages are in a queue, seen or not.
async fn count(world: &World, queue: &str) -> usize {
    use aws_sdk_sqs::types::QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
    };
    let url = world.aws.queue_url(queue).await.expect("a queue");
    let get = world.aws.sqs().get_queue_attributes().queue_url(url);
    let get = get
        .attribute_names(ApproximateNumberOfMessages)
        .attribute_names(ApproximateNumberOfMessagesNotVisible);
    let has = get.send().await.expect("attributes").attributes;
    let counts = has.unwrap_or_default().into_values();
    counts
        .map(|count| count.parse::<usize>().expect("a number"))
        .sum()
}

#[tokio::test]
async fn a_row_with_a_queue_of_its_own_is_all_that_it_needs() {
    let world = World::empty().await;
    provision::provision(&world.aws, &TABLE, &[])
        .await
        .expect("all is made");
    let [queue] = &resources::queues(&TABLE)[..] else {
        panic!("one row, one queue")
    };
    assert_eq!(queue.dead_letters, "thumbnail-dlq");

    send(&world, "a job").await;
    let stop = CancellationToken::new();
    let host = Host::new((), &TABLE);
    let source = Arc::new(SqsQueue::new(Arc::clone(&world.aws), queue.name));
    let worker = Worker::for_feature(host, &TABLE[0], source, WorkerOptions::default());
    let working = tokio::spawn(worker.run_until(stop.clone()));
    while count(&world, queue.name).await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    assert!(working.await.expect("the worker"), "all is finished");

    send(&world, "no job").await;
    let source = SqsQueue::new(Arc::clone(&world.aws), queue.name);
    for _ in 0..queue.max_receives {
        let messages = source.receive(1, Duration::ZERO, HIDDEN).await;
        let message = messages.expect("an answer").remove(0);
        let receipt = message.receipt_handle.expect("a receipt");
        let change = VisibilityChange {
            receipt,
            visibility: Duration::ZERO,
        };
        let back = source.change_visibility(&[change]).await;
        assert_eq!(back, Ok(vec![VisibilityOutcome::Changed]));
    }
    let none = source.receive(1, Duration::ZERO, HIDDEN).await;
    assert_eq!(none.expect("an answer").len(), 0);
    assert_eq!(count(&world, &queue.dead_letters).await, 1);

    redrive::start_redrive(&world.aws, &queue.dead_letters, queue.name, None)
        .await
        .expect("it begins");
    let back = source.receive(1, Duration::from_secs(5), HIDDEN).await;
    assert_eq!(back.expect("an answer")[0].body.as_deref(), Some("no job"));
}
