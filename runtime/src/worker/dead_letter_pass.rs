//! A pass over a queue that people look into, such as dead letters.
//!
//! What fails there would fail again. It is set aside until all else has had its turn, so that
//! a heap of hopeless messages does not stand before one that can be settled; then all of it is
//! given back, for people to see, and the queue is left alone for a while.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::poll::{Ended, give_back};
use super::queue::Queue;
use crate::{Context, Feature, Trigger};

/// What has failed in this pass.
pub(super) struct DeadLetterPass {
    /// How long the queue is left alone; `None` for a queue without passes.
    pause: Option<Duration>,
    /// How long a pass may last: as long as what is set aside surely stays hidden.
    longest: Duration,
    began: Instant,
    set_aside: Vec<String>,
}

/// How long a feature's queue is to be left alone after a failure, if it is one with passes.
pub(super) fn pause<C: Context>(feature: &Feature<C>) -> Option<Duration> {
    match feature.trigger {
        Trigger::Sqs { pause, .. } if !pause.is_zero() => Some(pause),
        _ => None,
    }
}

impl DeadLetterPass {
    pub(super) fn for_feature<C: Context>(feature: &Feature<C>, visibility: Duration) -> Self {
        Self {
            pause: pause(feature),
            longest: visibility / 2,
            began: Instant::now(),
            set_aside: Vec::new(),
        }
    }

    /// How long a receive may wait: what is set aside does not wait for what may never come.
    pub(super) fn receive_wait(&self, longest: Duration) -> Duration {
        if self.set_aside.is_empty() {
            longest
        } else {
            Duration::ZERO
        }
    }

    /// Waits for what runs, and sets aside what failed. Where there are no passes, nothing waits.
    pub(super) async fn collect(&mut self, running: &mut JoinSet<Ended>) {
        if self.pause.is_none() {
            while running.try_join_next().is_some() {}
            return;
        }
        if self.set_aside.is_empty() {
            self.began = Instant::now();
        }
        while let Some(ended) = running.join_next().await {
            self.set_aside.extend(ended.unwrap_or_default().set_aside);
        }
    }

    /// How long the queue is to be left alone now, if a pass is over: when nothing more came
    /// (`received` is 0), or it has lasted long enough.
    pub(super) fn pause_after(&self, received: usize) -> Option<Duration> {
        let over = received == 0 || self.began.elapsed() >= self.longest;
        self.pause.filter(|_| over && !self.set_aside.is_empty())
    }

    /// Gives back what was set aside.
    pub(super) async fn give_back(&mut self, queue: &dyn Queue) {
        give_back(queue, self.set_aside.drain(..)).await;
    }
}
