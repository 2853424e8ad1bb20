//! One actor whose calls are let through one by one, so that every order of them can be seen.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use crate::host::Call;
use crate::plan::Service;

/// What becomes of a call that is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    Done,
    Fails,
    AnswerLost,
}

/// Where an actor's calls wait.
pub(crate) struct Step {
    /// Which actor it is, in its ids.
    name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    asks: Option<Asked>,
    verdict: Option<Verdict>,
    ids: u32,
    /// All that the actor has seen so far; it knows nothing else.
    seen: u64,
}

/// A call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    /// Whether it changes anything: a read whose answer is lost is a read that fails.
    pub(crate) writes: bool,
}

impl Step {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits to be let through.
    pub(crate) async fn ask(&self, call: Call<'_>) -> Verdict {
        let reads = matches!(call.name, "get" | "head" | "query" | "open")
            || call.service == Service::Ffmpeg;
        std::future::poll_fn(|_| {
            let mut state = self.state();
            if let Some(verdict) = state.verdict.take() {
                return Poll::Ready(verdict);
            }
            state.asks = Some(Asked {
                name: call.name,
                writes: !reads,
            });
            Poll::Pending
        })
        .await
    }

    /// What waits now.
    pub(crate) fn asks(&self) -> Option<Asked> {
        self.state().asks
    }

    /// Lets through what waits.
    pub(crate) fn grant(&self, verdict: Verdict) {
        let mut state = self.state();
        state.asks = None;
        state.verdict = Some(verdict);
    }

    /// Notes what the actor has been answered.
    pub(crate) fn saw(&self, answer: &str) {
        let mut state = self.state();
        let mut hasher = DefaultHasher::new();
        (state.seen, answer).hash(&mut hasher);
        state.seen = hasher.finish();
    }

    pub(crate) fn seen(&self) -> u64 {
        self.state().seen
    }

    pub(crate) fn next_id(&self) -> String {
        let mut state = self.state();
        state.ids += 1;
        format!("{}.{}", self.name, state.ids)
    }
}
