//! Deletes what is done, several messages to a request: as many as are done within a moment.
//! A message stays hidden until it is deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::leases::LeaseGuard;
use super::poll::{MAX_BATCH, backoff};
use super::queue::Queue;

/// How long a request is held back for more messages to be done: so short that no visibility ends
/// in it.
const LINGER: Duration = Duration::from_millis(50);
/// How many requests are under way at once, and how many messages wait for one.
const MAX_REQUESTS: usize = 4;
const MAX_WAITING: usize = 100;
/// The longest pause between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// How long a message is tried: as it stays hidden meanwhile, a short outage costs nothing.
const MAX_TRYING: Duration = Duration::from_mins(5);

/// A task that deletes the messages whose leases are sent to it.
pub(super) struct Deleter {
    done: mpsc::Sender<LeaseGuard>,
    task: JoinHandle<bool>,
}

impl Deleter {
    pub(super) fn start(feature: &'static str, queue: Arc<dyn Queue>) -> Self {
        let (done, inbox) = mpsc::channel(MAX_WAITING);
        Self {
            done,
            task: tokio::spawn(delete_all(feature, queue, inbox)),
        }
    }

    pub(super) fn sender(&self) -> mpsc::Sender<LeaseGuard> {
        self.done.clone()
    }

    /// Waits until all that was sent is deleted, or `until`; true: all is.
    pub(super) async fn finish(mut self, until: Instant) -> bool {
        drop(self.done);
        let Ok(ended) = tokio::time::timeout_at(until, &mut self.task).await else {
            tracing::error!("there was no time left to delete what is done; it will come again");
            self.task.abort();
            return false;
        };
        ended.unwrap_or_else(|error| {
            tracing::error!(%error, "deleting messages ended early");
            false
        })
    }
}

async fn delete_all(
    feature: &'static str,
    queue: Arc<dyn Queue>,
    mut inbox: mpsc::Receiver<LeaseGuard>,
) -> bool {
    let mut requests = JoinSet::new();
    let mut all = true;
    loop {
        let mut done = Vec::with_capacity(MAX_BATCH);
        if inbox.recv_many(&mut done, MAX_BATCH).await == 0 {
            break;
        }
        let fill = async {
            while done.len() < MAX_BATCH {
                let room = MAX_BATCH - done.len();
                if inbox.recv_many(&mut done, room).await == 0 {
                    break;
                }
            }
        };
        // Full, or the last ones, or the moment is over: nothing is lost by giving up the wait.
        let _ = tokio::time::timeout(LINGER, fill).await;
        while requests.len() >= MAX_REQUESTS {
            all &= requests
                .join_next()
                .await
                .is_none_or(|deleted| deleted.unwrap_or(false));
        }
        let queue = Arc::clone(&queue);
        requests.spawn(async move { delete(feature, &*queue, done).await });
    }
    while let Some(deleted) = requests.join_next().await {
        all &= deleted.unwrap_or(false);
    }
    all
}

/// Deletes up to ten messages, again and again until none is left. Their leases are kept meanwhile.
async fn delete(feature: &'static str, queue: &dyn Queue, mut done: Vec<LeaseGuard>) -> bool {
    let began = Instant::now();
    let mut tries = 0;
    loop {
        let receipts: Vec<_> = done.iter().map(|lease| lease.receipt.clone()).collect();
        match queue.delete(&receipts).await {
            Ok(left) => done.retain(|lease| left.contains(&lease.receipt)),
            Err(error) => tracing::warn!(feature, %error, "messages could not be deleted yet"),
        }
        if done.is_empty() {
            return true;
        }
        let count = done.len();
        metrics::counter!("messaging.message.deletes.failed", "feature" => feature)
            .increment(count as u64);
        tries += 1;
        // Who has a lost one now will find its work done.
        done.retain(|lease| !lease.lost.is_cancelled());
        if done.is_empty() || began.elapsed() >= MAX_TRYING {
            tracing::error!(feature, count, "messages that are done were not deleted");
            return false;
        }
        sleep(backoff(tries, MAX_BACKOFF)).await;
    }
}
