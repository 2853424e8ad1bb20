//! A queue that is polled more slowly while the work on its messages fails for reasons that are not
//! theirs: one message at a time, after a wait that grows. So a broken worker leaves the messages to
//! those that are sound, and an outage is looked at now and then instead of being hammered.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;
use fotograma_core::{Health, Result};
use lambda_anywhere::worker::{Queue, VisibilityChange, VisibilityOutcome};

/// The longest wait before a message is tried.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// A queue, and the health of who polls it.
pub(crate) struct PacedQueue<Q> {
    /// The queue itself.
    pub(crate) queue: Q,
    /// What the handlers say of their last messages.
    pub(crate) health: Arc<Health>,
}

#[async_trait]
impl<Q: Queue> Queue for PacedQueue<Q> {
    async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<SqsMessage>> {
        let faults = self.health.faults();
        if faults == 0 {
            return self.queue.receive(max, wait, visibility).await;
        }
        tokio::time::sleep(wait_after(faults)).await;
        self.queue.receive(1, wait, visibility).await
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        self.queue.delete(receipts).await
    }

    async fn change_visibility(
        &self,
        changes: &[VisibilityChange],
    ) -> Result<Vec<VisibilityOutcome>> {
        self.queue.change_visibility(changes).await
    }
}

/// Twice as long after each fault in a row.
fn wait_after(faults: u32) -> Duration {
    Duration::from_secs(1 << faults.saturating_sub(1).min(6)).min(MAX_WAIT)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use fotograma_core::Error;
    use tokio::time::Instant;

    use super::*;

    /// Tells how many messages were asked for.
    #[derive(Default)]
    struct Asked(Mutex<Vec<usize>>);

    #[async_trait]
    impl Queue for Asked {
        async fn receive(&self, max: usize, _: Duration, _: Duration) -> Result<Vec<SqsMessage>> {
            self.0.lock().expect("the list").push(max);
            Ok(Vec::new())
        }

        async fn delete(&self, _: &[String]) -> Result<Vec<String>> {
            unreachable!("nothing was received")
        }

        async fn change_visibility(
            &self,
            _: &[VisibilityChange],
        ) -> Result<Vec<VisibilityOutcome>> {
            unreachable!("nothing was received")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_worker_asks_for_one_message_a_minute_until_one_goes_well() {
        let health = Arc::new(Health::default());
        let queue = PacedQueue {
            queue: Asked::default(),
            health: Arc::clone(&health),
        };
        let seconds = async || {
            let began = Instant::now();
            let received = queue.receive(10, Duration::ZERO, Duration::ZERO).await;
            assert_eq!(received.expect("an answer").len(), 0);
            began.elapsed().as_secs()
        };
        assert_eq!(seconds().await, 0);
        let mut waits = Vec::new();
        for _ in 0..9 {
            health.failed(&Error::operational("there is no ffmpeg"));
            waits.push(seconds().await);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        health.worked();
        assert_eq!(seconds().await, 0);
        let asked = queue.queue.0.lock().expect("the list");
        assert_eq!(*asked, [10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10]);
    }
}
