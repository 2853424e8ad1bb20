//! What every handler gets, and how it is told that its call should come to an end.
//!
//! A pod that is to go, a function near its deadline, a message that somebody else now has: the
//! adapter that feeds a handler knows, and the handler is told through its context, so that it
//! can leave things in order instead of being cut off.

use std::collections::{HashMap, HashSet};
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Either, Shared, select};

/// What an application hands to its handlers.
pub trait Context: Send + Sync + 'static {
    /// What a row of the table may say that its handler touches; `()` where nothing is said.
    type Permission: Send + Sync + 'static;

    /// The signal that [`with_cancel_signal`](Self::with_cancel_signal) gave this context, which
    /// tells a handler when its call should come to an end.
    fn cancel_signal(&self) -> CancelSignal {
        CancelSignal::never()
    }

    /// This context, for one call that should come to an end at `signal`.
    #[must_use]
    fn with_cancel_signal(&self, signal: CancelSignal) -> Self;
}

/// Handlers that need nothing.
impl Context for () {
    type Permission = ();

    fn with_cancel_signal(&self, _signal: CancelSignal) -> Self {}
}

/// Tells a call when it should come to an end.
#[derive(Clone)]
pub struct CancelSignal {
    cancelled: Shared<BoxFuture<'static, ()>>,
    batch: Option<Arc<BatchProgress>>,
}

/// What is known of the messages of one batch while a handler has them.
struct BatchProgress {
    /// By message id: ends when the message is not ours any more.
    lost: HashMap<String, Shared<BoxFuture<'static, ()>>>,
    /// The ids of messages that are done.
    done: Mutex<HashSet<String>>,
}

impl CancelSignal {
    /// For a call that may take all the time it needs.
    #[must_use]
    pub fn never() -> Self {
        Self::when(pending())
    }

    /// For a call that should come to an end when `reason` is there.
    #[must_use]
    pub fn when(reason: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            cancelled: reason.boxed().shared(),
            batch: None,
        }
    }

    /// Whether the call should have come to an end by now.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.clone().now_or_never().is_some()
    }

    /// What `work` gives, or `None` once the call should end; `work` is dropped then, and not
    /// begun if it should have ended already.
    pub async fn run_until_cancelled<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match select(self.cancelled.clone(), pin!(work)).await {
            Either::Left(((), _)) => None,
            Either::Right((outcome, _)) => Some(outcome),
        }
    }

    /// The same signal for a batch of messages, each of which may be `lost` by itself.
    #[must_use]
    pub fn for_batch(self, lost: HashMap<String, BoxFuture<'static, ()>>) -> Self {
        let lost = lost.into_iter().map(|(id, lost)| (id, lost.shared()));
        Self {
            batch: Some(Arc::new(BatchProgress {
                lost: lost.collect(),
                done: Mutex::default(),
            })),
            ..self
        }
    }

    /// The signal for one message of the batch: also when it is lost.
    pub(crate) fn of_message(&self, id: &str) -> Self {
        let lost = self.batch.as_ref().and_then(|batch| batch.lost.get(id));
        match lost {
            None => Self {
                cancelled: self.cancelled.clone(),
                batch: None,
            },
            Some(lost) => Self::when(select(self.cancelled.clone(), lost.clone()).map(|_| ())),
        }
    }

    /// Notes that a message of the batch is done, whatever becomes of the others.
    pub(crate) fn note_done(&self, id: &str) {
        if let Some(batch) = &self.batch {
            let mut done = batch.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.insert(id.to_owned());
        }
    }

    /// The messages of the batch that are done.
    #[cfg(any(feature = "lambda", feature = "worker"))]
    pub(crate) fn done(&self) -> HashSet<String> {
        self.batch.as_ref().map_or_else(HashSet::new, |batch| {
            let done = batch.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn work_ends_by_itself_or_when_told() {
        let never = CancelSignal::never();
        assert_eq!(never.run_until_cancelled(ready(1)).await, Some(1));
        assert!(!never.is_cancelled());
        let signal = CancelSignal::when(ready(()));
        assert_eq!(signal.run_until_cancelled(pending::<u8>()).await, None);
        assert_eq!(
            signal.run_until_cancelled(ready(1)).await,
            None,
            "not begun"
        );
        assert!(signal.is_cancelled());
    }

    #[tokio::test]
    async fn a_lost_message_is_told_alone() {
        let lost = HashMap::from([("a".to_owned(), ready(()).boxed())]);
        let signal = CancelSignal::never().for_batch(lost);
        assert!(signal.of_message("a").is_cancelled());
        assert!(!signal.of_message("b").is_cancelled());
        assert!(!signal.is_cancelled());
    }
}
