//! A queue in memory, for tests and for processes that need no other.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::in_flight::receive_count;
use super::queue::{Queue, VisibilityChange, VisibilityOutcome};
use crate::Result;

/// A queue with the semantics of SQS: what is received is hidden until its time is over, then
/// comes again with another receipt, until it is deleted.
#[derive(Default)]
pub struct MemoryQueue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    stored: Vec<Stored>,
    next_id: u64,
    /// The ids of what was deleted.
    deleted: Vec<String>,
}

struct Stored {
    message: SqsMessage,
    visible_at: Instant,
    receives: u32,
    /// The newest receipt.
    receipt: Option<String>,
}

impl MemoryQueue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message with this body into the queue; gives its id.
    pub fn send(&self, body: impl Into<String>) -> String {
        let mut message = SqsMessage::default();
        message.body = Some(body.into());
        self.send_message(message)
    }

    /// Puts a message into the queue, with its attributes; gives its id, which is its own if it
    /// has one.
    pub fn send_message(&self, mut message: SqsMessage) -> String {
        let mut state = self.state();
        state.next_id += 1;
        let id = format!("message-{}", state.next_id);
        let id = message.message_id.get_or_insert(id).clone();
        state.stored.push(Stored {
            message,
            visible_at: Instant::now(),
            receives: 0,
            receipt: None,
        });
        drop(state);
        self.changed.notify_waiters();
        id
    }

    /// How many messages can be received now.
    #[must_use]
    pub fn visible(&self) -> usize {
        let now = Instant::now();
        let state = self.state();
        state.stored.iter().filter(|s| s.visible_at <= now).count()
    }

    /// How many messages there are, hidden ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().stored.len()
    }

    /// Whether all is deleted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids of the messages that were deleted, in that order.
    #[must_use]
    pub fn deleted(&self) -> Vec<String> {
        self.state().deleted.clone()
    }

    /// How often each message that is still there was received, by its id.
    #[must_use]
    pub fn receives(&self) -> HashMap<String, u32> {
        let state = self.state();
        let receives = state.stored.iter().map(|stored| {
            let id = stored.message.message_id.clone().unwrap_or_default();
            (id, stored.receives)
        });
        receives.collect()
    }

    /// Waits until each message has been received once.
    pub async fn all_received(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.receives().values().all(|receives| *receives > 0) {
                return;
            }
            changed.await;
        }
    }

    /// Up to `max` messages, or when the next can be had.
    fn take(
        &self,
        max: usize,
        visibility: Duration,
    ) -> std::result::Result<Vec<SqsMessage>, Option<Instant>> {
        let now = Instant::now();
        let mut state = self.state();
        let visible = state.stored.iter_mut().filter(|s| s.visible_at <= now);
        let mut taken = Vec::new();
        for stored in visible.take(max) {
            stored.receives += 1;
            stored.visible_at = now + visibility;
            let id = stored.message.message_id.clone().unwrap_or_default();
            let receipt = format!("{id}#{}", stored.receives);
            stored.receipt = Some(receipt.clone());
            let mut message = stored.message.clone();
            message.receipt_handle = Some(receipt);
            // A message that comes from a sample event may have been received before.
            let before = receive_count(&stored.message).saturating_sub(1);
            let count = (before + stored.receives).to_string();
            let attribute = "ApproximateReceiveCount".to_owned();
            message.attributes.insert(attribute, count);
            taken.push(message);
        }
        if taken.is_empty() {
            Err(state.stored.iter().map(|s| s.visible_at).min())
        } else {
            self.changed.notify_waiters();
            Ok(taken)
        }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<SqsMessage>> {
        let end = Instant::now() + wait;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let next = match self.take(max, visibility) {
                Ok(messages) => return Ok(messages),
                Err(next) => next.unwrap_or(end).min(end),
            };
            if Instant::now() >= end {
                return Ok(Vec::new());
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(next) => {}
            }
        }
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        let mut state = self.state();
        for receipt in receipts {
            let place = state
                .stored
                .iter()
                .position(|stored| stored.receipt.as_ref() == Some(receipt));
            if let Some(place) = place {
                let stored = state.stored.remove(place);
                state.deleted.extend(stored.message.message_id);
            }
        }
        // As in SQS, a receipt that is not the newest deletes nothing and is no error.
        Ok(Vec::new())
    }

    async fn change_visibility(
        &self,
        changes: &[VisibilityChange],
    ) -> Result<Vec<VisibilityOutcome>> {
        let now = Instant::now();
        let mut state = self.state();
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            let hidden = state.stored.iter_mut().find(|stored| {
                stored.receipt.as_ref() == Some(&change.receipt) && stored.visible_at > now
            });
            outcomes.push(match hidden {
                Some(stored) => {
                    stored.visible_at = now + change.visibility;
                    VisibilityOutcome::Changed
                }
                None => VisibilityOutcome::Stale,
            });
        }
        drop(state);
        self.changed.notify_waiters();
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_is_hidden_then_comes_again_until_it_is_deleted() {
        let (queue, hidden) = (MemoryQueue::new(), Duration::from_secs(30));
        queue.send("hello");
        let receive = async |wait| {
            let received = queue.receive(10, Duration::from_secs(wait), hidden).await;
            let received = received.expect("messages").into_iter();
            received
                .filter_map(|message| message.receipt_handle)
                .collect::<Vec<_>>()
        };
        let first = receive(0).await;
        assert_eq!(first.len(), 1);
        assert!(receive(20).await.is_empty(), "hidden");
        let began = Instant::now();
        let second = receive(20).await;
        assert_eq!((second.len(), began.elapsed().as_secs()), (1, 10));
        queue.delete(&first).await.expect("deleted");
        assert_eq!(queue.len(), 1, "the first receipt is stale");
        queue.delete(&second).await.expect("deleted");
        assert!(queue.is_empty());
    }
}
