//! One batch of messages through a handler, and what becomes of each.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use fotograma_core::feature::{Feature, Trigger, call_sqs};
use futures::FutureExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{Host, Queue, lease};

/// Messages in hand.
pub(super) struct Batch<C: 'static> {
    pub(super) host: Host<C>,
    pub(super) feature: &'static Feature<C>,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) messages: Vec<SqsMessage>,
    pub(super) visibility: Duration,
    pub(super) deletes: UnboundedSender<String>,
}

/// What is to be done with the messages.
enum Outcome {
    /// Delete all but those with these ids, which come back later.
    Handled(HashSet<String>),
    /// None was done; all come back later.
    Failed,
    /// All come back at once: it was not their fault.
    GivenBack,
}

impl<C: Send + Sync + 'static> Batch<C> {
    /// Runs the handler; gives how many messages failed.
    pub(super) async fn run(self, cancel: CancellationToken) -> usize {
        let outcome = self.handle(&cancel).await;
        let mut failed = 0;
        for message in &self.messages {
            let receipt = message.receipt_handle.as_deref().unwrap_or_default();
            let id = message.message_id.as_deref().unwrap_or_default();
            let back_in = match &outcome {
                Outcome::Handled(failures) if !failures.contains(id) => {
                    // The deleter outlives every batch.
                    let _ = self.deletes.send(receipt.to_owned());
                    continue;
                }
                Outcome::GivenBack => Duration::ZERO,
                Outcome::Handled(_) | Outcome::Failed => {
                    failed += 1;
                    self.back_in(message)
                }
            };
            if let Err(error) = self.queue.change_visibility(receipt, back_in).await {
                tracing::warn!(message_id = id, %error, "a message comes back later than it could");
            }
        }
        failed
    }

    async fn handle(&self, cancel: &CancellationToken) -> Outcome {
        let mut event = SqsEvent::default();
        event.records.clone_from(&self.messages);
        let receipts: Vec<_> = self
            .messages
            .iter()
            .filter_map(|m| m.receipt_handle.as_deref())
            .collect();
        let handler = AssertUnwindSafe(call_sqs(self.feature, &*self.host.context, event));
        tokio::select! {
            biased;
            response = handler.catch_unwind() => match response {
                Ok(Ok(response)) => self.obey(&response),
                Ok(Err(error)) => {
                    tracing::error!(feature = self.feature.name, %error, "a batch failed");
                    Outcome::Failed
                }
                Err(_) => {
                    tracing::error!(feature = self.feature.name, "a handler panicked");
                    Outcome::Failed
                }
            },
            () = lease::keep(&*self.queue, &receipts, self.visibility) => {
                tracing::warn!(feature = self.feature.name, "a lease was lost; the attempt is ended");
                Outcome::GivenBack
            }
            () = cancel.cancelled() => Outcome::GivenBack,
        }
    }

    /// Reads a response as Lambda does: an id that is empty or unknown fails the whole batch.
    fn obey(&self, response: &SqsBatchResponse) -> Outcome {
        let failures: HashSet<_> = response
            .batch_item_failures
            .iter()
            .map(|f| f.item_identifier.clone())
            .collect();
        let known = |id: &String| {
            self.messages
                .iter()
                .any(|m| m.message_id.as_ref() == Some(id))
        };
        if failures.iter().all(known) {
            Outcome::Handled(failures)
        } else {
            Outcome::Failed
        }
    }

    /// When a message that failed comes back.
    fn back_in(&self, message: &SqsMessage) -> Duration {
        if matches!(self.feature.trigger, Trigger::Sqs { pause, .. } if !pause.is_zero()) {
            return Duration::ZERO;
        }
        let received = message.attributes.get("ApproximateReceiveCount");
        lease::delay(received.and_then(|count| count.parse().ok()).unwrap_or(1))
    }
}
