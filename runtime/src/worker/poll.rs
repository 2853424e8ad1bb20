//! One queue, from the first receive to the last message given back.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::dead_letter_pass::DeadLetterPass;
use super::delete::Deleter;
use super::health::QueueHealth;
use super::in_flight::{Batch, receive_count};
use super::leases::Leases;
use super::queue::{Queue, VisibilityChange};
use super::{QueueSource, WorkerOptions};
use crate::batch::fifo_group;
use crate::{Context, Feature, Host, Result};

/// The most messages that one request to a queue can be about.
pub(super) const MAX_BATCH: usize = 10;
/// How long a receive waits for a message; the longest that SQS allows.
pub(super) const WAIT: Duration = Duration::from_secs(20);
/// The same where queues must take turns, because there are fewer slots than queues.
const TURN: Duration = Duration::from_secs(1);
/// How long a receive that is under way at the end is waited for: what it brings would be hidden
/// from all, and one receive poorer.
const LAST_RECEIVE: Duration = Duration::from_secs(2);
/// The longest that a handler which was told to stop may take to leave things in order.
const WIND_DOWN: Duration = Duration::from_secs(5);

/// What the pollers of a worker share.
pub(super) struct Shared<C: Context> {
    pub(super) host: Host<C>,
    pub(super) options: WorkerOptions,
    pub(super) slots: Arc<Semaphore>,
    pub(super) pollers: usize,
    pub(super) stop: CancellationToken,
}

struct Poller<C: Context> {
    shared: Arc<Shared<C>>,
    feature: &'static Feature<C>,
    queue: Arc<dyn Queue>,
    leases: Arc<Leases>,
    deleter: Deleter,
    /// Handlers are told to stop.
    wind_down: CancellationToken,
    running: JoinSet<Ended>,
}

/// How the work on some messages ended.
#[derive(Default)]
pub(super) struct Ended {
    /// The receipts of what failed and is to be set aside.
    pub(super) set_aside: Vec<String>,
    /// How many messages were given back because there was no time for them.
    pub(super) unfinished: usize,
}

/// Polls a queue until the worker is stopped. True: all that was received was also finished.
pub(super) async fn poll_until_stopped<C: Context>(
    shared: Arc<Shared<C>>,
    source: QueueSource<C>,
    health: QueueHealth,
) -> bool {
    let QueueSource { feature, queue } = source;
    let leases = Leases::new(Arc::clone(&queue), shared.options.visibility);
    let renewing = {
        let leases = Arc::clone(&leases);
        tokio::spawn(async move { leases.renew_for_ever().await })
    };
    let mut poller = Poller {
        deleter: Deleter::start(feature.name, Arc::clone(&queue)),
        shared,
        feature,
        queue,
        leases,
        wind_down: CancellationToken::new(),
        running: JoinSet::new(),
    };
    let mut pass = DeadLetterPass::for_feature(feature, poller.shared.options.visibility);
    let unread = poller.poll(&mut pass, &health).await;
    health.stopped();
    let finished = poller.finish(pass, unread).await;
    renewing.abort();
    finished
}

impl<C: Context> Poller<C> {
    /// Polls until stop; gives the messages of the receive that was under way then.
    async fn poll(&mut self, pass: &mut DeadLetterPass, health: &QueueHealth) -> Vec<SqsMessage> {
        let shared = Arc::clone(&self.shared);
        let (stop, options) = (&shared.stop, shared.options);
        let mut faults = 0;
        let mut idle = true;
        loop {
            health.waits_for_a_slot();
            let permits = stop.run_until_cancelled(self.free_slots(idle)).await;
            let Some(Some(permits)) = permits else {
                return Vec::new();
            };
            health.polls();
            let wait = pass.receive_wait(self.longest_wait(permits.num_permits()));
            let received = {
                let mut receive = std::pin::pin!(self.receive(permits.num_permits(), wait));
                match stop.run_until_cancelled(&mut receive).await {
                    Some(received) => received,
                    None => match timeout(LAST_RECEIVE, receive).await {
                        Ok(Ok(messages)) => return messages,
                        Ok(Err(_)) | Err(_) => return Vec::new(),
                    },
                }
            };
            let messages = match received {
                Ok(messages) => messages,
                Err(error) => {
                    drop(permits);
                    faults += 1;
                    let feature = self.feature.name;
                    metrics::counter!("messaging.worker.poll.errors", "feature" => feature)
                        .increment(1);
                    tracing::warn!(feature, %error, "the queue cannot be polled");
                    let pause = backoff(faults, options.max_poll_backoff);
                    stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                    continue;
                }
            };
            faults = 0;
            idle = messages.is_empty();
            self.measure(&messages);
            let received = messages.len();
            self.spawn_batches(messages, permits);
            pass.collect(&mut self.running).await;
            if let Some(pause) = pass.pause_after(received) {
                pass.give_back(&*self.queue).await;
                stop.run_until_cancelled(tokio::time::sleep(pause)).await;
            }
        }
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<SqsMessage>> {
        let visibility = self.shared.options.visibility;
        self.queue.receive(max, wait, visibility).await
    }

    /// Waits for a free slot, and takes as many as one receive can fill; an idle poller beside
    /// others takes one, so that slots are there for those who have work.
    async fn free_slots(&self, idle: bool) -> Option<OwnedSemaphorePermit> {
        let slots = &self.shared.slots;
        let mut permits = Arc::clone(slots).acquire_owned().await.ok()?;
        let most = if idle && self.shared.pollers > 1 {
            1
        } else {
            MAX_BATCH
        };
        while permits.num_permits() < most {
            let Ok(more) = Arc::clone(slots).try_acquire_owned() else {
                break;
            };
            permits.merge(more);
        }
        Some(permits)
    }

    /// How long a receive may hold its slots without a message.
    fn longest_wait(&self, slots: usize) -> Duration {
        match self.shared.pollers {
            1 => WAIT,
            pollers if self.shared.options.concurrency < pollers => TURN,
            _ if slots == 1 => WAIT,
            _ => Duration::ZERO,
        }
    }

    fn measure(&self, messages: &[SqsMessage]) {
        let feature = self.feature.name;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        metrics::gauge!("messaging.worker.last_poll.timestamp", "feature" => feature)
            .set(now.unwrap_or_default().as_secs_f64());
        metrics::counter!("messaging.client.consumed.messages", "feature" => feature)
            .increment(messages.len() as u64);
        for message in messages {
            metrics::histogram!("messaging.message.receives", "feature" => feature)
                .record(f64::from(receive_count(message)));
        }
    }

    fn spawn_batches(&mut self, messages: Vec<SqsMessage>, mut permits: OwnedSemaphorePermit) {
        for messages in into_batches(messages, self.shared.options.batch_size.max(1)) {
            // A receive brings at most as many messages as it was given slots.
            let permit = permits.split(messages.len());
            let batch = Batch {
                host: self.shared.host.clone(),
                feature: self.feature,
                queue: Arc::clone(&self.queue),
                leases: Arc::clone(&self.leases),
                messages,
                done: self.deleter.sender(),
            };
            let wind_down = self.wind_down.clone();
            let longest = self.wind_down_time();
            self.running.spawn(async move {
                let ended = batch.process(wind_down, longest).await;
                drop(permit);
                ended
            });
        }
    }

    /// How much of the grace handlers get to leave things in order.
    fn wind_down_time(&self) -> Duration {
        WIND_DOWN.min(self.shared.options.grace / 4)
    }

    /// Lets what runs come to its end, and gives back what does not; true: nothing was left.
    async fn finish(mut self, mut pass: DeadLetterPass, unread: Vec<SqsMessage>) -> bool {
        let end = Instant::now() + self.shared.options.grace;
        let mut finished = unread.is_empty();
        if !unread.is_empty() {
            let count = unread.len();
            tracing::info!(
                feature = self.feature.name,
                count,
                "messages are given back unread"
            );
            let receipts = unread
                .into_iter()
                .filter_map(|message| message.receipt_handle);
            give_back(&*self.queue, receipts).await;
        }
        pass.give_back(&*self.queue).await;
        let in_time = timeout_at(end - self.wind_down_time(), drain(&mut self.running)).await;
        finished &= in_time.unwrap_or_else(|_| {
            self.wind_down.cancel();
            false
        });
        finished &= drain(&mut self.running).await;
        // A last request may be under way, and one more is worth while.
        finished & self.deleter.finish(end + Duration::from_secs(1)).await
    }
}

/// Messages as a handler gets them: at most so many at once, and those of one FIFO group
/// together, because nobody else may have one of them meanwhile.
fn into_batches(messages: Vec<SqsMessage>, batch_size: usize) -> Vec<Vec<SqsMessage>> {
    let mut batches: Vec<Vec<SqsMessage>> = Vec::new();
    for message in messages {
        let place = match fifo_group(&message) {
            None => batches.iter().position(|batch| batch.len() < batch_size),
            Some(group) => batches
                .iter()
                .position(|batch| batch.iter().any(|other| fifo_group(other) == Some(group))),
        };
        match place.and_then(|place| batches.get_mut(place)) {
            Some(batch) => batch.push(message),
            None => batches.push(vec![message]),
        }
    }
    batches
}

/// Waits for all that runs; true: nothing was given back for lack of time.
async fn drain(running: &mut JoinSet<Ended>) -> bool {
    let mut finished = true;
    while let Some(ended) = running.join_next().await {
        finished &= ended.is_ok_and(|ended| ended.unfinished == 0);
    }
    finished
}

/// Gives messages back at once.
pub(super) async fn give_back(queue: &dyn Queue, receipts: impl Iterator<Item = String>) {
    let changes: Vec<_> = receipts
        .map(|receipt| VisibilityChange {
            receipt,
            visibility: Duration::ZERO,
        })
        .collect();
    if changes.is_empty() {
        return;
    }
    if let Err(error) = queue.change_visibility(&changes).await {
        tracing::warn!(%error, "messages are seen again later than they could be");
    }
}

/// How long what has failed `times` times waits: twice as long each time, up to `longest`, less
/// up to half of it by chance so that not all come back at once.
pub(super) fn backoff(times: u32, longest: Duration) -> Duration {
    let doubled = Duration::from_secs(1 << times.saturating_sub(1).min(10)).min(longest);
    doubled.mul_f64(1.0 - fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_waits_longer() {
        let most = Duration::from_mins(15);
        for (times, longest) in [(0, 1), (1, 1), (2, 2), (5, 16), (11, 900), (u32::MAX, 900)] {
            let longest = Duration::from_secs(longest);
            let pause = backoff(times, most);
            assert!(
                pause <= longest && pause >= longest / 2,
                "{times}: {pause:?}"
            );
        }
    }

    #[test]
    fn a_fifo_group_stays_together_and_in_order() {
        let message = |id: &str, queue: &str, group: &str| {
            let mut message = SqsMessage::default();
            message.message_id = Some(id.to_owned());
            message.event_source_arn = Some(format!("arn:aws:sqs:us-east-1:000000000000:{queue}"));
            let group = ("MessageGroupId".to_owned(), group.to_owned());
            message.attributes.extend([group]);
            message
        };
        let ids = |queue: &str, batch_size| {
            let messages = [("1", "a"), ("2", "b"), ("3", "a")];
            let messages = messages.map(|(id, group)| message(id, queue, group)).into();
            let batches = into_batches(messages, batch_size).into_iter();
            let ids = batches.map(|batch| {
                let ids = batch.into_iter().filter_map(|message| message.message_id);
                ids.collect::<Vec<_>>().join(" ")
            });
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids("q.fifo", 1), ["1 3", "2"]);
        assert_eq!(ids("q", 1), ["1", "2", "3"]);
        assert_eq!(ids("q", 2), ["1 2", "3"]);
    }
}
