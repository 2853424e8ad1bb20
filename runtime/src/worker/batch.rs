//! One batch of messages through a handler, and what becomes of each.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Queue, lease, round};
use crate::{Context, Feature, Host, Result, Stop, call_sqs, trace};

/// Messages in hand.
pub(super) struct Batch<C: Context> {
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
    /// Delete all but those with these ids, which come back at once: it was not their fault.
    Stopped(HashSet<String>),
    /// All come back at once.
    GivenBack,
}

impl Outcome {
    /// For metrics.
    fn word(&self) -> &'static str {
        match self {
            Self::Handled(failures) if failures.is_empty() => "handled",
            Self::Handled(_) => "partly_failed",
            Self::Failed => "failed",
            Self::Stopped(_) | Self::GivenBack => "given_back",
        }
    }
}

/// What is needed of a message once its handler has it.
struct Held {
    id: String,
    receipt: String,
    receives: u32,
}

impl Held {
    fn of(message: &SqsMessage) -> Self {
        Self {
            id: message.message_id.clone().unwrap_or_default(),
            receipt: message.receipt_handle.clone().unwrap_or_default(),
            receives: receives(message),
        }
    }
}

/// How often a message has been received.
pub(super) fn receives(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// How long a handler that was told to stop may take to leave things in order.
const WIND_DOWN: Duration = Duration::from_secs(5);

impl<C: Context> Batch<C> {
    /// Runs the handler; gives the receipts of what failed and is to be laid aside.
    pub(super) async fn run(self, cancel: CancellationToken) -> Vec<String> {
        let busy = metrics::gauge!("messaging.worker.slots.busy", "feature" => self.feature.name);
        let messages = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        busy.increment(messages);
        let laid_aside = self.settle(&cancel).await;
        busy.decrement(messages);
        laid_aside
    }

    /// Handles the messages, and deletes, gives back or lays aside each.
    async fn settle(mut self, cancel: &CancellationToken) -> Vec<String> {
        let held: Vec<_> = self.messages.iter().map(Held::of).collect();
        let first = self.messages.first();
        let span = tracing::info_span!(
            "messages",
            feature = self.feature.name,
            message_id = first.and_then(|m| m.message_id.as_deref()),
            messages = self.messages.len(),
        );
        self.host
            .follow(&span, || first.and_then(trace::of_message));
        let began = Instant::now();
        let mut event = SqsEvent::default();
        event.records = std::mem::take(&mut self.messages);
        let outcome = self.handle(event, &held, cancel).instrument(span).await;
        metrics::histogram!(
            "messaging.process.duration",
            "feature" => self.feature.name, "outcome" => outcome.word()
        )
        .record(began.elapsed());
        let has_rounds = round::pause(self.feature).is_some();
        let mut laid_aside = Vec::new();
        for Held {
            id,
            receipt,
            receives,
        } in held
        {
            let back_in = match &outcome {
                Outcome::Handled(failures) | Outcome::Stopped(failures)
                    if !failures.contains(&id) =>
                {
                    // The deleter outlives every batch.
                    let _ = self.deletes.send(receipt);
                    continue;
                }
                Outcome::Stopped(_) | Outcome::GivenBack => Duration::ZERO,
                Outcome::Handled(_) | Outcome::Failed if has_rounds => {
                    laid_aside.push(receipt);
                    continue;
                }
                Outcome::Handled(_) | Outcome::Failed => lease::delay(receives),
            };
            if let Err(error) = self.queue.change_visibility(&receipt, back_in).await {
                tracing::warn!(message_id = id, %error, "a message comes back later than it could");
            }
        }
        laid_aside
    }

    async fn handle(&self, event: SqsEvent, held: &[Held], cancel: &CancellationToken) -> Outcome {
        let receipts: Vec<_> = held.iter().map(|h| h.receipt.as_str()).collect();
        let stop = CancellationToken::new();
        let stopped = Stop::when(stop.clone().cancelled_owned());
        let context = self.host.context.until(stopped);
        let handler = AssertUnwindSafe(call_sqs(self.feature, &context, event)).catch_unwind();
        let mut handler = pin!(handler.map(|response| self.read(held, response)));
        tokio::select! {
            biased;
            outcome = &mut handler => return outcome,
            () = lease::keep(&*self.queue, &receipts, self.visibility) => {
                tracing::warn!(feature = self.feature.name, "a lease was lost; the attempt is ended");
            }
            () = cancel.cancelled() => {}
        }
        stop.cancel();
        match tokio::time::timeout(WIND_DOWN, handler).await {
            Ok(Outcome::Handled(failures)) => Outcome::Stopped(failures),
            Ok(_) | Err(_) => Outcome::GivenBack,
        }
    }

    /// What a handler's end means.
    fn read(
        &self,
        held: &[Held],
        response: std::thread::Result<Result<SqsBatchResponse>>,
    ) -> Outcome {
        match response {
            Ok(Ok(response)) => obey(held, &response),
            Ok(Err(error)) => {
                tracing::error!(feature = self.feature.name, %error, "a batch failed");
                Outcome::Failed
            }
            Err(_) => {
                tracing::error!(feature = self.feature.name, "a handler panicked");
                Outcome::Failed
            }
        }
    }
}

/// Reads a response as Lambda does: an id that is empty or unknown fails the whole batch.
fn obey(held: &[Held], response: &SqsBatchResponse) -> Outcome {
    let failures: HashSet<_> = response
        .batch_item_failures
        .iter()
        .map(|f| f.item_identifier.clone())
        .collect();
    let known = |id: &String| held.iter().any(|h| h.id == *id);
    if failures.iter().all(known) {
        Outcome::Handled(failures)
    } else {
        Outcome::Failed
    }
}
