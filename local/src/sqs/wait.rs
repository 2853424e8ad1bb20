//! Who waits for messages of which queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::QueueId;

/// The long polls, by queue. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiters(Arc<Mutex<HashMap<QueueId, watch::Sender<()>>>>);

impl Waiters {
    /// Notices every [`wake`](Self::wake) from now on. Called inside the transaction that found
    /// the queue empty it misses nothing: whatever is written later also wakes later.
    pub(super) fn subscribe(&self, queue: QueueId) -> watch::Receiver<()> {
        self.lock().entry(queue).or_default().subscribe()
    }

    /// Lets every long poll on `queue` look again. Called after the commit.
    pub(crate) fn wake(&self, queue: QueueId) {
        let mut waiting = self.lock();
        if let Some(sender) = waiting.get(&queue)
            && sender.send(()).is_err()
        {
            // Nobody is left who listens.
            waiting.remove(&queue);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<QueueId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
