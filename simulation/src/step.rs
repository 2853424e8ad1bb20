//! One actor whose calls are let through one by one, so that every order of them can be seen.
//!
//! A future cannot be copied, but all that it knows is what it has been answered. So the answers are
//! kept, and the actor is begun anew with them wherever a history branches.

use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use crate::canonical::with_relative_dates;
use crate::host::Call;
use crate::plan::Service;
use crate::world::Ms;

/// What becomes of a call that is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    Done,
    Fails,
    AnswerLost,
}

/// All that an actor has been answered so far.
#[derive(Clone, Default)]
pub(crate) struct Log {
    answers: Vec<Arc<dyn Any + Send + Sync>>,
    /// The same in words, with times from the actor's beginning.
    pub(crate) text: String,
}

/// Where an actor's calls wait.
pub(crate) struct Step {
    /// Which actor it is, in its ids.
    number: u64,
    began: Ms,
    state: Mutex<State>,
}

struct State {
    log: Log,
    /// How many of the answers the actor has been given again.
    given: usize,
    asks: Option<Asked>,
    verdict: Option<Verdict>,
    ids: u32,
}

/// A call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    /// Whether it changes anything: a read whose answer is lost is a read that fails.
    pub(crate) writes: bool,
}

impl Step {
    /// An actor that has been answered what is in `log`; its next call is let through, if anything is.
    pub(crate) fn new(number: u64, began: Ms, log: Log, verdict: Option<Verdict>) -> Self {
        Self {
            number,
            began,
            state: Mutex::new(State {
                log,
                given: 0,
                asks: None,
                verdict,
                ids: 0,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the actor was answered at this place, if it has been here before.
    pub(crate) fn known<T: Clone + 'static>(&self) -> Option<T> {
        let mut state = self.state();
        let answer = state.log.answers.get(state.given)?.downcast_ref().cloned();
        state.given += 1;
        Some(answer.expect("an actor does the same when it is answered the same"))
    }

    /// Notes what the actor is answered.
    pub(crate) fn note<T: Debug + Send + Sync + 'static>(&self, answer: T) {
        let mut state = self.state();
        let text = with_relative_dates(&format!("{answer:?}"), self.began);
        state.log.text.push_str(&text);
        state.log.answers.push(Arc::new(answer));
        state.given += 1;
    }

    /// Waits to be let through.
    pub(crate) async fn ask(&self, call: Call<'_>) -> Verdict {
        let reads = matches!(call.name, "get" | "head" | "list" | "query" | "open")
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

    /// What waits now, and all that the actor has been answered.
    pub(crate) fn take(&self) -> (Option<Asked>, Log) {
        let mut state = self.state();
        (state.asks.take(), std::mem::take(&mut state.log))
    }

    /// An id; the marks around it tell it from other words.
    pub(crate) fn next_id(&self) -> String {
        let mut state = self.state();
        state.ids += 1;
        format!("~{}.{}~", self.number, state.ids)
    }
}
