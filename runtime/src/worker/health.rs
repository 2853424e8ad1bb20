//! Whether a worker still polls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The longest that one receive, or the pause after a failed one, can take in a poller that is
/// alive: a long poll, with the tries and timeouts of a client around it.
const MAX_POLL: Duration = Duration::from_mins(3);

/// Whether the queues of a worker are polled, for a liveness probe. A queue that cannot be reached
/// is polled again and again, and that is alive: a restart would not help.
#[derive(Clone)]
pub struct Health(Arc<[Mutex<Poller>]>);

#[derive(Debug, Clone, Copy)]
enum Poller {
    /// A receive, or the pause after one that failed, since then.
    Polling(Instant),
    /// All slots are taken: handlers may take as long as they need.
    Busy,
    Stopped,
    /// It ended without being told to.
    Dead,
}

/// The part of a [`Health`] that one poller keeps.
pub(super) struct QueueHealth {
    all: Health,
    number: usize,
}

impl Health {
    pub(super) fn new(queues: usize) -> Self {
        let now = Instant::now();
        Self(
            (0..queues)
                .map(|_| Mutex::new(Poller::Polling(now)))
                .collect(),
        )
    }

    pub(super) fn of_queue(&self, number: usize) -> QueueHealth {
        QueueHealth {
            all: self.clone(),
            number,
        }
    }

    /// False: a queue is not polled any more although the worker was not told to stop.
    #[must_use]
    pub fn is_polling(&self) -> bool {
        self.0.iter().all(
            |poller| match *poller.lock().unwrap_or_else(PoisonError::into_inner) {
                Poller::Polling(since) => since.elapsed() < MAX_POLL,
                Poller::Busy | Poller::Stopped => true,
                Poller::Dead => false,
            },
        )
    }
}

impl QueueHealth {
    fn set(&self, state: Poller) {
        if let Some(poller) = self.all.0.get(self.number) {
            *poller.lock().unwrap_or_else(PoisonError::into_inner) = state;
        }
    }

    pub(super) fn polls(&self) {
        self.set(Poller::Polling(Instant::now()));
    }

    pub(super) fn waits_for_a_slot(&self) {
        self.set(Poller::Busy);
    }

    pub(super) fn stopped(&self) {
        self.set(Poller::Stopped);
    }
}

impl Drop for QueueHealth {
    fn drop(&mut self) {
        let Some(poller) = self.all.0.get(self.number) else {
            return;
        };
        let mut poller = poller.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*poller, Poller::Stopped) {
            *poller = Poller::Dead;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_poller_that_hangs_or_died_is_told() {
        let health = Health::new(1);
        let poller = health.of_queue(0);
        poller.polls();
        tokio::time::advance(Duration::from_mins(2)).await;
        assert!(health.is_polling());
        tokio::time::advance(Duration::from_mins(2)).await;
        assert!(!health.is_polling(), "it hangs");
        poller.waits_for_a_slot();
        tokio::time::advance(Duration::from_hours(2)).await;
        assert!(health.is_polling(), "it is busy");
        drop(poller);
        assert!(!health.is_polling(), "it died");
        let poller = health.of_queue(0);
        poller.stopped();
        drop(poller);
        assert!(health.is_polling(), "it was told to stop");
    }
}
