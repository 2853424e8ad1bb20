//! The worker adapter: long-polls queues and hands their features the messages as Lambda would.
//!
//! It receives only as many messages as it has free slots, over all its queues; renews each
//! message's visibility while its handler runs and until it is deleted; deletes what is done and
//! lets what failed come back later. At `stop` what a receive under way still brings is given
//! back, what runs may finish within the grace, and what does not is told to stop and given back.

mod dead_letter_pass;
mod delete;
mod health;
mod in_flight;
mod leases;
mod memory_queue;
mod poll;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Context, Feature, Host};

pub use health::Health;
pub use memory_queue::MemoryQueue;
pub use queue::{Queue, VisibilityChange, VisibilityOutcome};

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct WorkerOptions {
    /// How many messages are in hand at once, over all queues.
    pub concurrency: usize,
    /// How many messages a handler gets at once, at most.
    pub batch_size: usize,
    /// How long a message is hidden; renewed at a third of it.
    pub visibility: Duration,
    /// How long the end may take after `stop`, from the last receive to the last message given
    /// back. Kubernetes kills a pod 30 s after it has told it to stop.
    pub grace: Duration,
    /// The longest pause after a queue could not be polled.
    pub max_poll_backoff: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            concurrency: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            batch_size: 1,
            visibility: Duration::from_mins(1),
            grace: Duration::from_secs(25),
            max_poll_backoff: Duration::from_secs(10),
        }
    }
}

/// A feature and the queue that feeds it.
pub struct QueueSource<C: Context> {
    /// The feature.
    pub feature: &'static Feature<C>,
    /// Its queue.
    pub queue: Arc<dyn Queue>,
}

/// Features, the queues that feed them, and one limit for all.
pub struct Worker<C: Context> {
    host: Host<C>,
    sources: Vec<QueueSource<C>>,
    options: WorkerOptions,
    health: Health,
}

impl<C: Context> Worker<C> {
    /// A worker for these queues.
    #[must_use]
    pub fn new(host: Host<C>, sources: Vec<QueueSource<C>>, options: WorkerOptions) -> Self {
        let health = Health::new(sources.len());
        Self {
            host,
            sources,
            options,
            health,
        }
    }

    /// A worker for the queue of one feature.
    #[must_use]
    pub fn for_feature(
        host: Host<C>,
        feature: &'static Feature<C>,
        queue: Arc<dyn Queue>,
        options: WorkerOptions,
    ) -> Self {
        Self::new(host, vec![QueueSource { feature, queue }], options)
    }

    /// Whether it polls, for probes; to be taken before it is run.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Works until `stop`. True: all that was received was also finished and deleted.
    pub async fn run_until(self, stop: CancellationToken) -> bool {
        let pollers = self.sources.len();
        let shared = Arc::new(poll::Shared {
            host: self.host,
            options: self.options,
            slots: Arc::new(Semaphore::new(self.options.concurrency.max(1))),
            pollers,
            stop,
        });
        let mut polling = JoinSet::new();
        for (number, source) in self.sources.into_iter().enumerate() {
            let health = self.health.of_queue(number);
            polling.spawn(poll::poll_until_stopped(
                Arc::clone(&shared),
                source,
                health,
            ));
        }
        let mut finished = true;
        while let Some(ended) = polling.join_next().await {
            finished &= ended.unwrap_or_else(|error| {
                tracing::error!(%error, "polling a queue ended early");
                false
            });
        }
        finished
    }
}

#[cfg(test)]
mod tests;
