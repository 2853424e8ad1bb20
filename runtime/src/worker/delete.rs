//! Deletes what is done, several messages to a request: as many as are done within a moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

use super::{MAX_RECEIVE, Queue};

/// How long a request is held back for more messages to be done: so short that no visibility ends
/// in it.
const LINGER: Duration = Duration::from_millis(50);

/// A task that deletes the messages whose receipts are sent to it.
pub(super) struct Deleter {
    receipts: UnboundedSender<String>,
    task: JoinHandle<()>,
}

impl Deleter {
    pub(super) fn start(queue: Arc<dyn Queue>) -> Self {
        let (receipts, inbox) = mpsc::unbounded_channel();
        Self {
            receipts,
            task: tokio::spawn(work(queue, inbox)),
        }
    }

    pub(super) fn sender(&self) -> UnboundedSender<String> {
        self.receipts.clone()
    }

    /// Waits until all that was sent is deleted.
    pub(super) async fn finish(self) {
        drop(self.receipts);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "deleting messages ended early");
        }
    }
}

async fn work(queue: Arc<dyn Queue>, mut inbox: UnboundedReceiver<String>) {
    let mut receipts = Vec::with_capacity(MAX_RECEIVE);
    while inbox.recv_many(&mut receipts, MAX_RECEIVE).await > 0 {
        let fill = async {
            while receipts.len() < MAX_RECEIVE {
                let room = MAX_RECEIVE - receipts.len();
                if inbox.recv_many(&mut receipts, room).await == 0 {
                    break;
                }
            }
        };
        // Full, or the last ones, or the moment is over: nothing is lost by giving up the wait.
        let _ = tokio::time::timeout(LINGER, fill).await;
        // What is not deleted comes again and finds its work done.
        match queue.delete(&receipts).await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => tracing::warn!(left = left.len(), "some messages were not deleted"),
            Err(error) => tracing::warn!(%error, "messages could not be deleted"),
        }
        receipts.clear();
    }
}
