//! What a local AWS is doing just now, for tests that move its clock: time may pass when nobody works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What is being done, and what only waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Requests that have come so far.
    pub begun: u64,
    /// Requests that are being worked on: all that have no answer yet, but for those that only time ends.
    pub working: usize,
    /// Requests that a fault lets hang.
    pub hanging: usize,
}

/// Counts requests. Clones share one count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    open: AtomicUsize,
    /// Those of them that wait for a message.
    polling: AtomicUsize,
    hanging: AtomicUsize,
}

impl Requests {
    /// Counts a request until what is given is dropped.
    pub(crate) fn begin(&self) -> impl Drop + Send + use<> {
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        Counted::new(self.0.clone(), |counts| &counts.open)
    }

    /// Counts a request, which is counted already, as one that waits for a message in `wait`.
    pub(crate) async fn polling<T>(&self, wait: impl Future<Output = T>) -> T {
        let _counted = Counted::new(self.0.clone(), |counts| &counts.polling);
        wait.await
    }

    /// Counts a request, which is counted already, as one that hangs in `wait`.
    pub(crate) async fn hanging<T>(&self, wait: impl Future<Output = T>) -> T {
        let _counted = Counted::new(self.0.clone(), |counts| &counts.hanging);
        wait.await
    }

    pub(crate) fn activity(&self) -> Activity {
        let counts = &self.0;
        let hanging = counts.hanging.load(Ordering::Acquire);
        let only_time_ends = hanging + counts.polling.load(Ordering::Acquire);
        let open = counts.open.load(Ordering::Acquire);
        Activity {
            begun: counts.begun.load(Ordering::Acquire),
            working: open.saturating_sub(only_time_ends),
            hanging,
        }
    }
}

/// One more in a count for as long as it lives: also where a client goes away.
struct Counted {
    counts: Arc<Counts>,
    of: fn(&Counts) -> &AtomicUsize,
}

impl Counted {
    fn new(counts: Arc<Counts>, of: fn(&Counts) -> &AtomicUsize) -> Self {
        of(&counts).fetch_add(1, Ordering::AcqRel);
        Self { counts, of }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.of)(&self.counts).fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn what_waits_is_not_at_work_and_who_goes_away_is_neither() {
        let requests = Requests::default();
        let counted = requests.begin();
        let told = |begun, working, hanging| Activity {
            begun,
            working,
            hanging,
        };
        assert_eq!(requests.activity(), told(1, 1, 0));
        let mut wait = Box::pin(requests.hanging(pending::<()>()));
        assert!((&mut wait).now_or_never().is_none());
        assert_eq!(requests.activity(), told(1, 0, 1));
        drop(wait);
        let mut wait = Box::pin(requests.polling(pending::<()>()));
        assert!((&mut wait).now_or_never().is_none());
        assert_eq!(requests.activity(), told(1, 0, 0));
        drop(wait);
        assert_eq!(requests.activity(), told(1, 1, 0));
        drop(counted);
        assert_eq!(requests.activity(), told(1, 0, 0));
    }
}
