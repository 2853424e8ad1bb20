//! What a worker does when all goes well, when it does not, and at its end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::{CancelSignal, Error, Limits, Result, Trigger, each_message};

const PAUSE: Duration = Duration::from_mins(1);

/// What the handlers of these tests get: where they note what they did.
#[derive(Clone)]
struct Notes {
    done: Arc<Mutex<Vec<String>>>,
    tried: Arc<AtomicUsize>,
    at_work: Arc<AtomicUsize>,
    most_at_work: Arc<AtomicUsize>,
    signal: CancelSignal,
}

impl Notes {
    fn new() -> Self {
        Self {
            done: Arc::default(),
            tried: Arc::default(),
            at_work: Arc::default(),
            most_at_work: Arc::default(),
            signal: CancelSignal::never(),
        }
    }

    fn done(&self) -> Vec<String> {
        self.done.lock().expect("notes").clone()
    }

    fn tried(&self) -> usize {
        self.tried.load(SeqCst)
    }
}

impl Context for Notes {
    type Permission = ();

    fn cancel_signal(&self) -> CancelSignal {
        self.signal.clone()
    }

    fn with_cancel_signal(&self, signal: CancelSignal) -> Self {
        Self {
            signal,
            ..self.clone()
        }
    }
}

/// Does as a message's body says: `fail`, or how many seconds it takes.
async fn work(notes: Notes, message: &SqsMessage) -> Result<()> {
    notes.tried.fetch_add(1, SeqCst);
    let at_work = notes.at_work.fetch_add(1, SeqCst) + 1;
    notes.most_at_work.fetch_max(at_work, SeqCst);
    let body = message.body.clone().unwrap_or_default();
    let outcome = if body == "fail" {
        Err(Error::transient("as it was told"))
    } else {
        sleep(Duration::from_secs(body.parse().unwrap_or(0))).await;
        let id = message.message_id.clone().unwrap_or_default();
        notes.done.lock().expect("notes").push(id);
        Ok(())
    };
    notes.at_work.fetch_sub(1, SeqCst);
    outcome
}

const fn feature(name: &'static str, pause: Duration) -> Feature<Notes> {
    Feature {
        name,
        service: "",
        about: "",
        trigger: Trigger::Sqs {
            queue: "",
            pause,
            handle: |notes, event: SqsEvent| {
                Box::pin(async move { each_message(notes, &event, work).await })
            },
        },
        limits: Limits::DEFAULT,
        permissions: &[],
    }
}

static WORK: Feature<Notes> = feature("work", Duration::ZERO);
static SETTLE: Feature<Notes> = feature("settle", PAUSE);

fn options() -> WorkerOptions {
    WorkerOptions {
        concurrency: 2,
        ..WorkerOptions::default()
    }
}

/// Starts a worker for one queue.
fn start(
    notes: &Notes,
    feature: &'static Feature<Notes>,
    queue: Arc<dyn Queue>,
    options: WorkerOptions,
) -> (CancellationToken, tokio::task::JoinHandle<bool>) {
    let host = Host::new(notes.clone(), std::slice::from_ref(feature));
    let worker = Worker::for_feature(host, feature, queue, options);
    let stop = CancellationToken::new();
    (stop.clone(), tokio::spawn(worker.run_until(stop)))
}

/// A queue with troubles of its own.
#[derive(Default)]
struct Troubled {
    inner: MemoryQueue,
    /// How long a receive's answer takes to arrive.
    answers_after: Duration,
    /// Until when nothing can be received.
    away_until: Option<Instant>,
    /// How many deletions are refused.
    refused_deletes: AtomicUsize,
    /// How long a deletion takes.
    deletes_after: Duration,
    receives: AtomicUsize,
}

#[async_trait]
impl Queue for Troubled {
    async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<SqsMessage>> {
        self.receives.fetch_add(1, SeqCst);
        if self.away_until.is_some_and(|until| Instant::now() < until) {
            return Err(Error::transient("away"));
        }
        let messages = self.inner.receive(max, wait, visibility).await?;
        sleep(self.answers_after).await;
        Ok(messages)
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        sleep(self.deletes_after).await;
        let left = |left: usize| left.checked_sub(1);
        if self
            .refused_deletes
            .fetch_update(SeqCst, SeqCst, left)
            .is_ok()
        {
            return Ok(receipts.to_vec());
        }
        self.inner.delete(receipts).await
    }

    async fn change_visibility(
        &self,
        changes: &[VisibilityChange],
    ) -> Result<Vec<VisibilityOutcome>> {
        self.inner.change_visibility(changes).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_deleted_and_what_failed_comes_back_later() {
    let (queue, notes) = (Arc::new(MemoryQueue::new()), Notes::new());
    let good = queue.send("1");
    let bad = queue.send("fail");
    let (stop, working) = start(&notes, &WORK, queue.clone(), options());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(queue.deleted(), [good]);
    // 1, 2, 4, 8 s and more, each less up to half of it by chance.
    sleep(Duration::from_mins(1)).await;
    let receives = queue.receives()[&bad];
    assert!((5..=8).contains(&receives), "{receives}");
    stop.cancel();
    assert!(working.await.expect("the worker"));
}

#[tokio::test(start_paused = true)]
async fn hopeless_letters_do_not_keep_others_waiting() {
    let (letters, notes) = (Arc::new(MemoryQueue::new()), Notes::new());
    for _ in 0..25 {
        letters.send("fail");
    }
    letters.send("0");
    let (stop, working) = start(&notes, &SETTLE, letters.clone(), options());

    sleep(Duration::from_secs(1)).await;
    assert_eq!(notes.tried(), 26, "each once");
    assert_eq!(letters.visible(), 25, "for people to see");

    sleep(PAUSE).await;
    assert_eq!(notes.tried(), 26 + 25);
    stop.cancel();
    assert!(working.await.expect("the worker"));
    assert_eq!(letters.visible(), 25, "given back at the end");
}

#[tokio::test(start_paused = true)]
async fn what_a_receive_brings_at_the_end_is_given_back() {
    let notes = Notes::new();
    let queue = Arc::new(Troubled {
        answers_after: Duration::from_secs(1),
        ..Troubled::default()
    });
    let (stop, working) = start(&notes, &WORK, queue.clone(), options());
    sleep(Duration::from_millis(100)).await;
    queue.inner.send("0");
    sleep(Duration::from_millis(100)).await;
    assert_eq!(
        queue.inner.visible(),
        0,
        "taken, but the answer is on its way"
    );
    stop.cancel();
    let finished = working.await.expect("the worker");
    assert_eq!((queue.inner.visible(), notes.tried()), (1, 0));
    assert!(!finished, "it counts for the exit status");
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_the_queue_is_polled_again_within_seconds() {
    let notes = Notes::new();
    let outage = Duration::from_mins(8);
    let queue = Arc::new(Troubled {
        away_until: Some(Instant::now() + outage),
        ..Troubled::default()
    });
    queue.inner.send("0");
    let (stop, working) = start(&notes, &WORK, queue.clone(), options());
    sleep(outage).await;
    let tries = queue.receives.load(SeqCst);
    assert!(
        (48..100).contains(&tries),
        "{tries}: about every ten seconds"
    );
    sleep(Duration::from_secs(11)).await;
    assert_eq!(notes.done().len(), 1);
    stop.cancel();
    assert!(working.await.expect("the worker"));
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_within_the_grace() {
    let (queue, notes) = (Arc::new(MemoryQueue::new()), Notes::new());
    queue.send("3600");
    let (stop, working) = start(&notes, &WORK, queue.clone(), WorkerOptions::default());
    sleep(Duration::from_secs(1)).await;
    let told = Instant::now();
    stop.cancel();
    assert!(!working.await.expect("the worker"), "it was not finished");
    let took = told.elapsed();
    assert!(
        took <= Duration::from_secs(28),
        "{took:?}: a pod is killed after 30 s"
    );
    assert_eq!(queue.visible(), 1, "given back");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_told_to_stop_keeps_what_it_has_done() {
    let (queue, notes) = (Arc::new(MemoryQueue::new()), Notes::new());
    let sent: Vec<_> = (0..4).map(|_| queue.send("3")).collect();
    let options = WorkerOptions {
        concurrency: 4,
        batch_size: 4,
        grace: Duration::from_secs(4),
        ..options()
    };
    let (stop, working) = start(&notes, &WORK, queue.clone(), options);
    // The first is done at 3 s; the second is begun and cut off.
    sleep(Duration::from_secs(1)).await;
    stop.cancel();
    assert!(!working.await.expect("the worker"));
    assert_eq!(notes.done(), sent[..1]);
    assert_eq!(queue.deleted(), sent[..1]);
    assert_eq!(queue.visible(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stale_receipt_ends_only_its_own_message() {
    let notes = Notes::new();
    let queue = Arc::new(MemoryQueue::new());
    let sent: Vec<_> = (0..3).map(|_| queue.send("30")).collect();
    let options = WorkerOptions {
        concurrency: 3,
        batch_size: 3,
        ..options()
    };
    let (stop, working) = start(&notes, &WORK, queue.clone(), options);
    sleep(Duration::from_secs(1)).await;
    // Somebody gives the last one to itself.
    let change = VisibilityChange {
        receipt: format!("{}#1", sent[2]),
        visibility: Duration::ZERO,
    };
    queue.change_visibility(&[change]).await.expect("changed");
    let taken = queue
        .receive(1, Duration::ZERO, Duration::from_hours(1))
        .await;
    assert_eq!(taken.expect("messages").len(), 1);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(
        notes.done(),
        sent[..2],
        "each once, and the lost one not at all"
    );
    assert_eq!(queue.deleted(), sent[..2]);
    stop.cancel();
    assert!(working.await.expect("the worker"));
}

#[tokio::test(start_paused = true)]
async fn a_message_stays_hidden_until_it_is_deleted() {
    for (refused_deletes, deletes_after) in [(6, 0), (0, 90)] {
        let notes = Notes::new();
        let queue = Arc::new(Troubled {
            refused_deletes: AtomicUsize::new(refused_deletes),
            deletes_after: Duration::from_secs(deletes_after),
            ..Troubled::default()
        });
        queue.inner.send("0");
        let options = WorkerOptions {
            visibility: Duration::from_secs(12),
            ..options()
        };
        let (stop, working) = start(&notes, &WORK, queue.clone(), options);
        sleep(Duration::from_mins(2)).await;
        assert_eq!(notes.tried(), 1, "it did not come again");
        assert!(queue.inner.is_empty());
        stop.cancel();
        assert!(working.await.expect("the worker"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_deleted_counts_for_the_exit_status() {
    let notes = Notes::new();
    let queue = Arc::new(Troubled {
        refused_deletes: AtomicUsize::new(usize::MAX),
        ..Troubled::default()
    });
    queue.inner.send("0");
    let (stop, working) = start(&notes, &WORK, queue.clone(), options());
    sleep(Duration::from_secs(20)).await;
    stop.cancel();
    let ended = timeout(Duration::from_secs(29), working).await;
    assert!(!ended.expect("in time").expect("the worker"));
    assert_eq!(notes.tried(), 1);
}

#[tokio::test(start_paused = true)]
async fn several_queues_share_one_limit_and_none_waits_for_an_idle_one() {
    let notes = Notes::new();
    let queues: Vec<_> = (0..3).map(|_| Arc::new(MemoryQueue::new())).collect();
    let sources = queues.iter().map(|queue| QueueSource {
        feature: &WORK,
        queue: queue.clone() as Arc<dyn Queue>,
    });
    let host = Host::new(notes.clone(), std::slice::from_ref(&WORK));
    let options = WorkerOptions {
        concurrency: 4,
        ..options()
    };
    let worker = Worker::new(host, sources.collect(), options);
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run_until(stop.clone()));
    sleep(Duration::from_secs(30)).await;
    for _ in 0..20 {
        queues[0].send("1");
    }
    // Two idle pollers hold a slot each: the busy one has two, and needs 10 s.
    sleep(Duration::from_secs(12)).await;
    assert_eq!(notes.done().len(), 20);
    for queue in &queues {
        for _ in 0..10 {
            queue.send("1");
        }
    }
    sleep(Duration::from_secs(15)).await;
    assert_eq!(notes.done().len(), 50);
    assert!(notes.most_at_work.load(SeqCst) <= 4);
    stop.cancel();
    assert!(working.await.expect("the worker"));
}

#[tokio::test(start_paused = true)]
async fn more_queues_than_slots_take_turns() {
    let notes = Notes::new();
    let queues: Vec<_> = (0..3).map(|_| Arc::new(MemoryQueue::new())).collect();
    let sources = queues.iter().map(|queue| QueueSource {
        feature: &WORK,
        queue: queue.clone() as Arc<dyn Queue>,
    });
    let host = Host::new(notes.clone(), std::slice::from_ref(&WORK));
    let options = WorkerOptions {
        concurrency: 1,
        ..options()
    };
    let worker = Worker::new(host, sources.collect(), options);
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run_until(stop.clone()));
    queues[2].send("0");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(notes.done().len(), 1);
    stop.cancel();
    assert!(working.await.expect("the worker"));
}
