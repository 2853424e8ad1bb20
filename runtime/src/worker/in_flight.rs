//! Messages in hand: one batch through a handler, and what becomes of each.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::dead_letter_pass;
use super::leases::{LeaseGuard, Leases};
use super::poll::{Ended, backoff};
use super::queue::{Queue, VisibilityChange};
use crate::{CancelSignal, Context, Feature, Host, Result, dispatch_messages, trace};

/// The longest that a message which failed waits before it comes again.
const MAX_BACKOFF: Duration = Duration::from_mins(15);

/// Messages that were received together.
pub(super) struct Batch<C: Context> {
    pub(super) host: Host<C>,
    pub(super) feature: &'static Feature<C>,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) leases: Arc<Leases>,
    pub(super) messages: Vec<SqsMessage>,
    /// Takes what is to be deleted.
    pub(super) done: Sender<LeaseGuard>,
}

/// What is to be done with the messages.
enum Outcome {
    /// Delete all but those with these ids, which come back later.
    Handled(HashSet<String>),
    /// None was done; all come back later.
    Failed,
    /// There was no time left: delete all but those with these ids, which come back at once, as
    /// it was not their fault.
    Stopped(HashSet<String>),
}

impl Outcome {
    /// For metrics.
    fn label(&self) -> &'static str {
        match self {
            Self::Handled(failures) if failures.is_empty() => "handled",
            Self::Handled(_) => "partly_failed",
            Self::Failed => "failed",
            Self::Stopped(_) => "given_back",
        }
    }

    /// Whether the message with this id comes back.
    fn brings_back(&self, id: &str) -> bool {
        match self {
            Self::Handled(failures) | Self::Stopped(failures) => failures.contains(id),
            Self::Failed => true,
        }
    }
}

/// What is needed of a message once its handler has it.
struct InFlight {
    id: String,
    receives: u32,
    lease: LeaseGuard,
}

/// How often a message has been received.
pub(super) fn receive_count(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

impl<C: Context> Batch<C> {
    /// Handles the messages, and deletes, gives back or sets aside each. Once `wind_down` is
    /// told, the handler has `longest` to leave things in order.
    pub(super) async fn process(self, wind_down: CancellationToken, longest: Duration) -> Ended {
        let busy = metrics::gauge!("messaging.worker.slots.busy", "feature" => self.feature.name);
        let count = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        busy.increment(count);
        let ended = self.handle_and_settle(&wind_down, longest).await;
        busy.decrement(count);
        ended
    }

    async fn handle_and_settle(
        mut self,
        wind_down: &CancellationToken,
        longest: Duration,
    ) -> Ended {
        let in_flight: Vec<_> = self
            .messages
            .iter()
            .map(|message| {
                let receipt = message.receipt_handle.clone().unwrap_or_default();
                InFlight {
                    id: message.message_id.clone().unwrap_or_default(),
                    receives: receive_count(message),
                    lease: self.leases.keep(receipt),
                }
            })
            .collect();
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
        let outcome = self
            .handle(event, &in_flight, wind_down, longest)
            .instrument(span)
            .await;
        metrics::histogram!(
            "messaging.process.duration",
            "feature" => self.feature.name, "outcome" => outcome.label()
        )
        .record(began.elapsed());
        self.settle(in_flight, &outcome).await
    }

    async fn settle(self, in_flight: Vec<InFlight>, outcome: &Outcome) -> Ended {
        let has_passes = dead_letter_pass::pause(self.feature).is_some();
        let mut ended = Ended::default();
        let mut changes = Vec::new();
        for InFlight {
            id,
            receives,
            lease,
        } in in_flight
        {
            if !outcome.brings_back(&id) {
                // The deleter outlives every batch.
                let _ = self.done.send(lease).await;
                continue;
            }
            let visibility = match outcome {
                Outcome::Stopped(_) => {
                    ended.unfinished += 1;
                    Duration::ZERO
                }
                Outcome::Handled(_) | Outcome::Failed if has_passes => {
                    ended.set_aside.push(lease.receipt.clone());
                    continue;
                }
                Outcome::Handled(_) | Outcome::Failed => backoff(receives, MAX_BACKOFF),
            };
            // Who has a lost one now decides when it is seen again.
            if !lease.lost.is_cancelled() {
                changes.push(VisibilityChange {
                    receipt: lease.receipt.clone(),
                    visibility,
                });
            }
        }
        if !changes.is_empty()
            && let Err(error) = self.queue.change_visibility(&changes).await
        {
            tracing::warn!(%error, "messages come back later than they could");
        }
        ended
    }

    async fn handle(
        &self,
        event: SqsEvent,
        in_flight: &[InFlight],
        wind_down: &CancellationToken,
        longest: Duration,
    ) -> Outcome {
        let stop = CancellationToken::new();
        let lost: HashMap<_, _> = in_flight
            .iter()
            .map(|message| {
                let lost = message.lease.lost.clone();
                (message.id.clone(), lost.cancelled_owned().boxed())
            })
            .collect();
        let signal = CancelSignal::when(stop.clone().cancelled_owned()).for_batch(lost);
        let context = self.host.context.with_cancel_signal(signal.clone());
        let handler =
            AssertUnwindSafe(dispatch_messages(self.feature, &context, event)).catch_unwind();
        let mut handler = pin!(handler.map(|response| self.outcome_of(in_flight, response)));
        let all_lost = join_all(
            in_flight
                .iter()
                .map(|message| message.lease.lost.cancelled()),
        );
        tokio::select! {
            biased;
            outcome = &mut handler => return outcome,
            _ = all_lost => {
                tracing::warn!(feature = self.feature.name, "nothing is left of a batch; its handler is ended");
            }
            () = wind_down.cancelled() => {}
        }
        stop.cancel();
        if let Ok(Outcome::Handled(failures)) = tokio::time::timeout(longest, handler).await {
            return Outcome::Stopped(failures);
        }
        let done = signal.done();
        let ids = in_flight.iter().map(|message| message.id.clone());
        Outcome::Stopped(ids.filter(|id| !done.contains(id)).collect())
    }

    /// What a handler's end means.
    fn outcome_of(
        &self,
        in_flight: &[InFlight],
        response: std::thread::Result<Result<SqsBatchResponse>>,
    ) -> Outcome {
        match response {
            Ok(Ok(response)) => outcome_of_response(in_flight, &response),
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

/// What a response says, as Lambda reads it: an id that is empty or unknown fails the whole batch.
fn outcome_of_response(in_flight: &[InFlight], response: &SqsBatchResponse) -> Outcome {
    let failures: HashSet<_> = response
        .batch_item_failures
        .iter()
        .map(|failure| failure.item_identifier.clone())
        .collect();
    let known = |id: &String| in_flight.iter().any(|message| message.id == *id);
    if failures.iter().all(known) {
        Outcome::Handled(failures)
    } else {
        Outcome::Failed
    }
}
