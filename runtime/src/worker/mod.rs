//! The worker adapter: long-polls a queue and hands a feature its messages as Lambda would.
//!
//! It receives only as many messages as it has free slots, renews each message's visibility
//! while its handler runs, deletes what is done and lets what failed come back later. At `stop`
//! the poll ends at once, what runs may finish within the grace, and what does not is told to stop and given back.

mod batch;
mod delete;
mod lease;
mod round;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use batch::Batch;
use delete::Deleter;
use round::Round;

use crate::{Context, Feature, Host, Result};

/// The most messages that one receive can ask for.
const MAX_RECEIVE: usize = 10;
/// How long a receive waits for a message; the longest that SQS allows.
const WAIT: Duration = Duration::from_secs(20);

/// What a worker needs of a queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Up to `max` messages, as Lambda would show them, hidden from others for `visibility`;
    /// waits up to `wait` for the first.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<SqsMessage>>;

    /// Deletes up to ten messages by their receipt handles; gives those that were not deleted.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>>;

    /// Hides a received message for `visibility` from now on; zero gives it back at once.
    /// False: the receipt is not good any more.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    async fn change_visibility(&self, receipt: &str, visibility: Duration) -> Result<bool>;
}

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many messages are in hand at once.
    pub concurrency: usize,
    /// How many messages a handler gets at once, at most.
    pub batch_size: usize,
    /// How long a message is hidden; renewed at a third of it.
    pub visibility: Duration,
    /// How long what runs may go on after `stop`.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            batch_size: 1,
            visibility: Duration::from_mins(1),
            grace: Duration::from_secs(25),
        }
    }
}

/// A feature and the queue that feeds it.
pub struct Worker<C: Context> {
    /// What runs it.
    pub host: Host<C>,
    /// The feature.
    pub feature: &'static Feature<C>,
    /// Its queue.
    pub queue: Arc<dyn Queue>,
    /// How it works.
    pub options: Options,
}

/// Works until `stop`. True: all that was received was also finished.
pub async fn run<C>(worker: Worker<C>, stop: CancellationToken) -> bool
where
    C: Context,
{
    let slots = Arc::new(Semaphore::new(worker.options.concurrency.max(1)));
    let deleter = Deleter::start(Arc::clone(&worker.queue));
    let cancel = CancellationToken::new();
    let mut running = JoinSet::new();
    let mut faults = 0;
    let mut round = Round::new(round::pause(worker.feature), worker.options.visibility);
    while let Some(Some(permits)) = stop.run_until_cancelled(free_slots(&slots)).await {
        let visibility = worker.options.visibility;
        let receive = worker
            .queue
            .receive(permits.num_permits(), round.wait(), visibility);
        let messages = match stop.run_until_cancelled(receive).await {
            None => break,
            Some(Ok(messages)) => messages,
            Some(Err(error)) => {
                faults += 1;
                tracing::warn!(feature = worker.feature.name, %error, "the queue cannot be polled");
                stop.run_until_cancelled(tokio::time::sleep(lease::delay(faults)))
                    .await;
                continue;
            }
        };
        faults = 0;
        measure(worker.feature.name, &messages);
        let received = messages.len();
        spawn(&worker, messages, permits, &deleter, &cancel, &mut running);
        round.collect(&mut running).await;
        if let Some(pause) = round.rest(received) {
            round.give_back(&*worker.queue).await;
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }
    round.give_back(&*worker.queue).await;
    let drained = tokio::time::timeout(worker.options.grace, drain(&mut running))
        .await
        .is_ok();
    cancel.cancel();
    drain(&mut running).await;
    deleter.finish().await;
    drained
}

/// Waits for a free slot, and takes as many as one receive can fill.
async fn free_slots(slots: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    let mut permits = Arc::clone(slots).acquire_owned().await.ok()?;
    while permits.num_permits() < MAX_RECEIVE {
        let Ok(more) = Arc::clone(slots).try_acquire_owned() else {
            break;
        };
        permits.merge(more);
    }
    Some(permits)
}

fn measure(feature: &'static str, messages: &[SqsMessage]) {
    metrics::counter!("messaging.client.consumed.messages", "feature" => feature)
        .increment(messages.len() as u64);
    for message in messages {
        metrics::histogram!("messaging.message.receives", "feature" => feature)
            .record(f64::from(batch::receives(message)));
    }
}

fn spawn<C>(
    worker: &Worker<C>,
    mut messages: Vec<SqsMessage>,
    mut permits: OwnedSemaphorePermit,
    deleter: &Deleter,
    cancel: &CancellationToken,
    running: &mut JoinSet<Vec<String>>,
) where
    C: Context,
{
    while !messages.is_empty() {
        let rest = messages.split_off(messages.len().min(worker.options.batch_size.max(1)));
        let permit = permits.split(messages.len());
        let batch = Batch {
            host: worker.host.clone(),
            feature: worker.feature,
            queue: Arc::clone(&worker.queue),
            messages,
            visibility: worker.options.visibility,
            deletes: deleter.sender(),
        };
        let cancel = cancel.clone();
        running.spawn(async move {
            let failed = batch.run(cancel).await;
            drop(permit);
            failed
        });
        messages = rest;
    }
}

async fn drain(running: &mut JoinSet<Vec<String>>) {
    while running.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests;
