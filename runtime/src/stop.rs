//! When a call should come to an end although its work is not done.
//!
//! A pod that is to go, a function near its deadline, a message that somebody else now has: the
//! adapter that feeds a handler knows, and the handler is told through its context, so that it
//! can leave things in order instead of being cut off.

use std::future::{Future, pending};
use std::pin::pin;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, Shared, select};

/// A context whose handlers can be told to stop.
pub trait Context: Send + Sync + 'static {
    /// What a row of the table may say that its handler touches; `()` where nothing is said.
    type Permission: Send + Sync + 'static;

    /// This context, for one call that should come to an end at `stop`.
    #[must_use]
    fn until(&self, stop: Stop) -> Self;
}

/// Handlers that need nothing.
impl Context for () {
    type Permission = ();

    fn until(&self, _stop: Stop) -> Self {}
}

/// Told to a call when it should come to an end.
#[derive(Clone)]
pub struct Stop(Shared<BoxFuture<'static, ()>>);

impl Stop {
    /// A call that may take all the time it needs.
    #[must_use]
    pub fn never() -> Self {
        Self::when(pending())
    }

    /// A call that should come to an end when `reason` is there.
    #[must_use]
    pub fn when(reason: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(reason.boxed().shared())
    }

    /// What `work` gives, or `None` once the call should end; `work` is dropped then, and not
    /// begun if it should have ended already.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match select(self.0.clone(), pin!(work)).await {
            Either::Left(((), _)) => None,
            Either::Right((outcome, _)) => Some(outcome),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn work_ends_by_itself_or_when_told() {
        assert_eq!(Stop::never().or(ready(1)).await, Some(1));
        let stop = Stop::when(ready(()));
        assert_eq!(stop.or(pending::<u8>()).await, None);
        assert_eq!(stop.or(ready(1)).await, None, "not begun");
    }
}
