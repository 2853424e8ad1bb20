//! The worker over SQS as the SDK calls it, when answers are late, lost or never come. The queue's own
//! word counts: what is visible in it, and how often it was received.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::types::QueueAttributeName;
use fotograma::aws::SqsQueue;
use fotograma_core::features::resources::VIDEO_QUEUE;
use fotograma_local::{Fault, FaultKind, ServiceName};
use lambda_anywhere::worker::{Queue, Worker, WorkerOptions};
use lambda_anywhere::{CancelSignal, Context, Feature, Host, each_message};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::world::World;

const LONG: Duration = Duration::from_secs(20);

/// Counts what the handler is given.
#[derive(Clone, Default)]
struct Tried(Arc<AtomicUsize>);

impl Context for Tried {
    type Permission = ();

    fn with_cancel_signal(&self, _: CancelSignal) -> Self {
        self.clone()
    }
}

static COUNT: Feature<Tried> = Feature::on_queue("count", "", |tried, event| {
    Box::pin(async move {
        each_message(tried, &event, |tried: Tried, _: &SqsMessage| async move {
            tried.0.fetch_add(1, SeqCst);
            Ok(())
        })
        .await
    })
});

/// A worker on the queue of an AWS of its own.
struct Working {
    world: World,
    tried: Tried,
    stop: CancellationToken,
    worker: JoinHandle<bool>,
}

impl Working {
    /// Starts the worker once these faults are in force.
    async fn with(visibility: Duration, faults: impl IntoIterator<Item = Fault>) -> Self {
        let world = World::new().await;
        for fault in faults {
            world.local.faults().add(fault);
        }
        let (tried, stop) = (Tried::default(), CancellationToken::new());
        let host = Host::new(tried.clone(), std::slice::from_ref(&COUNT));
        let queue = Arc::new(SqsQueue::new(Arc::clone(&world.aws), VIDEO_QUEUE));
        let options = WorkerOptions {
            visibility,
            ..WorkerOptions::default()
        };
        let worker = Worker::for_feature(host, &COUNT, queue, options);
        let worker = tokio::spawn(worker.run_until(stop.clone()));
        Self {
            world,
            tried,
            stop,
            worker,
        }
    }

    fn queue(&self) -> SqsQueue {
        SqsQueue::new(Arc::clone(&self.world.aws), VIDEO_QUEUE)
    }

    async fn send(&self) {
        let url = self
            .world
            .aws
            .queue_url(VIDEO_QUEUE)
            .await
            .expect("a queue");
        let message = self.world.aws.sqs().send_message().queue_url(url);
        let sent = message.message_body("hello").send().await;
        sent.expect("it is sent");
    }

    /// Waits until all faults have hit as often as they may.
    async fn all_faults_have_hit(&self) {
        let spent = async {
            while !self.world.local.faults().list().is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, spent).await.expect("the faults hit");
    }

    /// Waits until each message was received by somebody.
    async fn all_are_hidden(&self) {
        let url = self
            .world
            .aws
            .queue_url(VIDEO_QUEUE)
            .await
            .expect("a queue");
        let visible = QueueAttributeName::ApproximateNumberOfMessages;
        let hidden = async {
            loop {
                let ask = self.world.aws.sqs().get_queue_attributes().queue_url(&url);
                let told = ask.attribute_names(visible.clone()).send().await;
                let told = told.expect("attributes").attributes.unwrap_or_default();
                if told[&visible] == "0" {
                    break;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, hidden).await.expect("they are received");
    }

    /// Tells the worker to stop; whether it has finished all, and how long that took.
    async fn stop(&mut self) -> (bool, Duration) {
        let told = Instant::now();
        self.stop.cancel();
        let ended = timeout(LONG, &mut self.worker).await;
        (ended.expect("in time").expect("the worker"), told.elapsed())
    }

    /// Stops the worker, which has received a message too late: it is given back at once, untried.
    async fn gives_back_what_it_received(&mut self) {
        let (finished, _) = self.stop().await;
        assert!(!finished, "it counts for the exit status");
        assert_eq!(self.visible().await, ["2"], "given back at once");
        assert_eq!(self.tried.0.load(SeqCst), 0);
    }

    /// Receives what is visible now; how often it has been received.
    async fn visible(&self) -> Vec<String> {
        let received = self.queue().receive(10, Duration::ZERO, LONG).await;
        let received = received.expect("an answer").into_iter();
        received
            .map(|message| message.attributes["ApproximateReceiveCount"].clone())
            .collect()
    }
}

fn on_receive(kind: FaultKind) -> Fault {
    Fault::new(kind)
        .on(ServiceName::Sqs, "ReceiveMessage")
        .times(1)
}

fn on_delete(kind: FaultKind) -> Fault {
    Fault::new(kind).on(ServiceName::Sqs, "DeleteMessageBatch")
}

#[tokio::test]
async fn a_receive_whose_answer_is_late_at_the_stop_is_given_back() {
    let late = Fault {
        delay_ms: 1_000,
        ..on_receive(FaultKind::DelayAfter)
    };
    let mut working = Working::with(LONG, [late]).await;
    working.send().await;
    // Taken from the queue; the answer is on its way.
    working.all_are_hidden().await;
    working.gives_back_what_it_received().await;
}

#[tokio::test]
async fn what_sqs_gives_to_a_poll_that_is_to_end_is_given_back() {
    // The real one does not see at once that a client went away.
    let mut working = Working::with(LONG, [on_receive(FaultKind::IgnoreDisconnect)]).await;
    working.all_faults_have_hit().await;
    working.stop.cancel();
    sleep(Duration::from_millis(500)).await;
    working.send().await;
    working.gives_back_what_it_received().await;
}

#[tokio::test]
async fn a_receive_that_hangs_does_not_hold_up_the_stop() {
    let mut working = Working::with(LONG, [on_receive(FaultKind::Hang)]).await;
    working.all_faults_have_hit().await;
    let (finished, took) = working.stop().await;
    assert!(finished);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_message_whose_deletion_is_slow_or_not_answered_is_handled_once() {
    let visibility = Duration::from_secs(2);
    let slow = Fault {
        delay_ms: 5_000,
        ..on_delete(FaultKind::Delay).times(1)
    };
    let slow_answer = Fault {
        delay_ms: 5_000,
        ..on_delete(FaultKind::DelayAfter).times(1)
    };
    // The SDK asks three times.
    let failing = on_delete(FaultKind::Error).times(6);
    let lost = on_delete(FaultKind::CutAfter).times(2);
    let of = |fault: Fault| async move {
        let kind = fault.kind;
        let mut working = Working::with(visibility, [fault]).await;
        working.send().await;
        working.all_faults_have_hit().await;
        // Longer than the message would be hidden were nobody to see to it.
        sleep(Duration::from_secs(6)).await;
        assert_eq!(working.tried.0.load(SeqCst), 1, "{kind:?}");
        let (finished, _) = working.stop().await;
        assert!(finished, "{kind:?}");
        sleep(visibility).await;
        assert!(
            working.visible().await.is_empty(),
            "{kind:?}: it is deleted"
        );
    };
    tokio::join!(of(slow), of(slow_answer), of(failing), of(lost));
}
