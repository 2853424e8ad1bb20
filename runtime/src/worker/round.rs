//! A round over a queue that people look into, such as dead letters.
//!
//! What fails there would fail again. It is laid aside until all else has had its turn, so that
//! a heap of hopeless messages does not stand before one that can be settled; then all of it is
//! given back, for people to see, and the queue is left alone for a while.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Queue, WAIT};
use crate::{Context, Feature, Trigger};

/// What has failed in this round.
pub(super) struct Round {
    /// How long the queue is left alone; `None` for a queue without rounds.
    pause: Option<Duration>,
    /// How long a round may last: as long as what is laid aside surely stays hidden.
    longest: Duration,
    began: Instant,
    laid_aside: Vec<String>,
}

/// How long a feature's queue is to be left alone after a failure, if it is one with rounds.
pub(super) fn pause<C: Context>(feature: &Feature<C>) -> Option<Duration> {
    match feature.trigger {
        Trigger::Sqs { pause, .. } if !pause.is_zero() => Some(pause),
        _ => None,
    }
}

impl Round {
    pub(super) fn new(pause: Option<Duration>, visibility: Duration) -> Self {
        Self {
            pause,
            longest: visibility / 2,
            began: Instant::now(),
            laid_aside: Vec::new(),
        }
    }

    /// How long a receive may wait: what is laid aside does not wait for what may never come.
    pub(super) fn wait(&self) -> Duration {
        if self.laid_aside.is_empty() {
            WAIT
        } else {
            Duration::ZERO
        }
    }

    /// Waits for what runs, and lays aside what failed. Where there are no rounds, nothing waits.
    pub(super) async fn collect(&mut self, running: &mut JoinSet<Vec<String>>) {
        if self.pause.is_none() {
            while running.try_join_next().is_some() {}
            return;
        }
        if self.laid_aside.is_empty() {
            self.began = Instant::now();
        }
        while let Some(failed) = running.join_next().await {
            self.laid_aside.extend(failed.unwrap_or_default());
        }
    }

    /// How long the queue is to be left alone now, if a round is over: when nothing more came
    /// (`received` is 0), or it has lasted long enough.
    pub(super) fn rest(&self, received: usize) -> Option<Duration> {
        let over = received == 0 || self.began.elapsed() >= self.longest;
        self.pause.filter(|_| over && !self.laid_aside.is_empty())
    }

    /// Gives back what was laid aside.
    pub(super) async fn give_back(&mut self, queue: &dyn Queue) {
        for receipt in self.laid_aside.drain(..) {
            if let Err(error) = queue.change_visibility(&receipt, Duration::ZERO).await {
                tracing::warn!(%error, "a message is seen again later than it could be");
            }
        }
    }
}
