//! Leases on messages: how long nobody else gets them. One task renews those of a queue, several
//! to a request; one that cannot be kept is told to whoever works on that message, and to
//! nobody else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::poll::MAX_BATCH;
use super::queue::{Queue, VisibilityChange, VisibilityOutcome};

/// SQS hides a message for at most twelve hours from when it was received.
const LONGEST: Duration = Duration::from_hours(12);

/// The leases on a queue's messages in hand.
pub(super) struct Leases {
    queue: Arc<dyn Queue>,
    visibility: Duration,
    held: Mutex<Held>,
    added: Notify,
}

#[derive(Default)]
struct Held {
    next: u64,
    leases: BTreeMap<u64, Lease>,
}

struct Lease {
    receipt: String,
    received: Instant,
    valid_until: Instant,
    renew_at: Instant,
    lost: CancellationToken,
}

/// One message's lease, kept until this is dropped.
pub(super) struct LeaseGuard {
    leases: Arc<Leases>,
    number: u64,
    pub(super) receipt: String,
    /// Cancelled when somebody else may have the message.
    pub(super) lost: CancellationToken,
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        self.leases.held().leases.remove(&self.number);
    }
}

impl Leases {
    pub(super) fn new(queue: Arc<dyn Queue>, visibility: Duration) -> Arc<Self> {
        Arc::new(Self {
            queue,
            visibility,
            held: Mutex::default(),
            added: Notify::new(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the lease of a message that has just been received.
    pub(super) fn keep(self: &Arc<Self>, receipt: String) -> LeaseGuard {
        let (now, lost) = (Instant::now(), CancellationToken::new());
        let lease = Lease {
            receipt: receipt.clone(),
            received: now,
            valid_until: now + self.visibility,
            renew_at: now + self.visibility / 3,
            lost: lost.clone(),
        };
        let mut held = self.held();
        let number = held.next;
        held.next += 1;
        held.leases.insert(number, lease);
        drop(held);
        self.added.notify_one();
        LeaseGuard {
            leases: Arc::clone(self),
            number,
            receipt,
            lost,
        }
    }

    /// Renews leases as they need it; never ends.
    pub(super) async fn renew_for_ever(&self) {
        loop {
            let next = self
                .held()
                .leases
                .values()
                .map(|lease| lease.renew_at)
                .min();
            match next {
                None => self.added.notified().await,
                // What is added later needs renewal later.
                Some(next) => {
                    sleep_until(next).await;
                    self.renew_due().await;
                }
            }
        }
    }

    async fn renew_due(&self) {
        // Those that are nearly due go along in the same request.
        let until = Instant::now() + self.visibility / 12;
        let mut due = Vec::new();
        self.held().leases.retain(|number, lease| {
            let length = LONGEST.saturating_sub(Instant::now() - lease.received);
            if length.is_zero() {
                lease.lost.cancel();
                return false;
            }
            if lease.renew_at <= until {
                let change = VisibilityChange {
                    receipt: lease.receipt.clone(),
                    visibility: self.visibility.min(length),
                };
                due.push((*number, change));
            }
            true
        });
        let requests = due.chunks(MAX_BATCH).map(|due| self.renew(due));
        join_all(requests).await;
    }

    /// Renews up to ten in one request.
    async fn renew(&self, due: &[(u64, VisibilityChange)]) {
        let began = Instant::now();
        let changes: Vec<_> = due.iter().map(|(_, change)| change.clone()).collect();
        let request = self.queue.change_visibility(&changes);
        // A request that hangs must not keep the next renewal waiting.
        let outcomes = match timeout(self.visibility / 3, request).await {
            Ok(Ok(outcomes)) => outcomes,
            Ok(Err(error)) => {
                tracing::warn!(%error, "leases of messages could not be renewed yet");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!("leases of messages could not be renewed in time");
                Vec::new()
            }
        };
        let mut held = self.held();
        for (place, (number, change)) in due.iter().enumerate() {
            let outcome = outcomes.get(place).copied();
            let Some(lease) = held.leases.get_mut(number) else {
                continue;
            };
            let renewed = match outcome.unwrap_or(VisibilityOutcome::Failed) {
                VisibilityOutcome::Changed => {
                    lease.valid_until = began + change.visibility;
                    true
                }
                VisibilityOutcome::Stale => {
                    lease.valid_until = began;
                    false
                }
                VisibilityOutcome::Failed => false,
            };
            if !renewed {
                metrics::counter!("messaging.message.renewals.failed").increment(1);
            }
            // A queue that is down for a moment does not end a lease, but the lease's own end does.
            lease.renew_at = lease.valid_until.min(began + self.visibility / 3);
            if Instant::now() >= lease.valid_until {
                tracing::warn!("the lease on a message was lost");
                lease.lost.cancel();
                held.leases.remove(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use async_trait::async_trait;
    use aws_lambda_events::sqs::SqsMessage;

    use super::*;
    use crate::{Error, Result};
    use VisibilityOutcome::{Changed, Failed, Stale};

    /// Answers renewals of each receipt as it was told, then says that it is stale.
    #[derive(Default)]
    struct Script {
        outcomes: Mutex<BTreeMap<String, VecDeque<VisibilityOutcome>>>,
        requests: Mutex<Vec<usize>>,
        down: bool,
    }

    #[async_trait]
    impl Queue for Script {
        async fn receive(&self, _: usize, _: Duration, _: Duration) -> Result<Vec<SqsMessage>> {
            unreachable!("a lease receives nothing")
        }

        async fn delete(&self, _: &[String]) -> Result<Vec<String>> {
            unreachable!("a lease deletes nothing")
        }

        async fn change_visibility(
            &self,
            changes: &[VisibilityChange],
        ) -> Result<Vec<VisibilityOutcome>> {
            self.requests.lock().expect("requests").push(changes.len());
            if self.down {
                return Err(Error::transient("down"));
            }
            let mut outcomes = self.outcomes.lock().expect("the script");
            let outcome = |change: &VisibilityChange| {
                let told = outcomes.get_mut(&change.receipt)?;
                told.pop_front()
            };
            Ok(changes
                .iter()
                .map(outcome)
                .map(|o| o.unwrap_or(Stale))
                .collect())
        }
    }

    /// After how many seconds leases of 30 s on these messages end.
    async fn held(script: Script, receipts: &[&str]) -> Vec<u64> {
        let began = Instant::now();
        let leases = Leases::new(Arc::new(script), Duration::from_secs(30));
        let guards: Vec<_> = receipts
            .iter()
            .map(|r| leases.keep((*r).to_owned()))
            .collect();
        let ends = guards.iter().map(|guard| async {
            guard.lost.cancelled().await;
            began.elapsed().as_secs()
        });
        tokio::select! {
            () = leases.renew_for_ever() => unreachable!("it never ends"),
            ends = join_all(ends) => ends,
        }
    }

    fn told(outcomes: &[(&str, Vec<VisibilityOutcome>)]) -> Script {
        let outcomes = outcomes
            .iter()
            .map(|(receipt, told)| ((*receipt).to_owned(), told.clone().into()));
        Script {
            outcomes: Mutex::new(outcomes.collect()),
            ..Script::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_at_a_third_until_the_receipt_is_stale() {
        let renewed = told(&[("a", vec![Changed, Changed])]);
        assert_eq!(held(renewed, &["a"]).await, [30]);
        assert_eq!(held(told(&[]), &["a"]).await, [10]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_is_down_ends_a_lease_when_its_time_is_over() {
        let told = told(&[("a", vec![Failed, Changed, Failed, Failed, Failed, Failed])]);
        assert_eq!(held(told, &["a"]).await, [50]);
        let down = Script {
            down: true,
            ..Script::default()
        };
        assert_eq!(held(down, &["a"]).await, [30]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_lost_lease_does_not_end_the_others() {
        let told = told(&[("a", vec![Changed; 3]), ("b", vec![]), ("c", vec![Changed])]);
        assert_eq!(held(told, &["a", "b", "c"]).await, [40, 10, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn leases_are_renewed_ten_to_a_request() {
        let names: Vec<_> = (0..25).map(|n| n.to_string()).collect();
        let script = Arc::new(told(&[]));
        let leases = Leases::new(script.clone(), Duration::from_secs(30));
        let _guards: Vec<_> = names.iter().map(|name| leases.keep(name.clone())).collect();
        let _ = timeout(Duration::from_secs(11), leases.renew_for_ever()).await;
        assert_eq!(*script.requests.lock().expect("requests"), [10, 10, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_lasts_twelve_hours_at_most() {
        let told = told(&[("a", vec![Changed; 10_000])]);
        assert!(held(told, &["a"]).await[0] <= LONGEST.as_secs() + 30);
    }
}
