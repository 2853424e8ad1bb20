//! The time of the local AWS: the system's, plus an offset that a test may move, so that
//! visibility, expiry and time to live are tested without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// A clock that can be moved. Clones share one offset.
#[derive(Debug, Clone)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    moved: watch::Sender<()>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            offset_ms: Arc::default(),
            moved: watch::Sender::new(()),
        }
    }
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        system_ms() + self.offset_ms()
    }

    /// By how many milliseconds this clock is ahead of the system's.
    #[must_use]
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Acquire)
    }

    /// Moves the clock forward. Whoever waits for a time notices at once.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.offset_ms.fetch_add(by, Ordering::AcqRel);
        self.moved.send_replace(());
    }

    /// Goes back to the system's time.
    pub fn reset(&self) {
        self.offset_ms.store(0, Ordering::Release);
        self.moved.send_replace(());
    }

    /// Completes when this clock shows `at_ms` or later, by waiting or by being moved.
    pub async fn sleep_until(&self, at_ms: i64) {
        let mut moved = self.moved.subscribe();
        loop {
            let left = at_ms - self.now_ms();
            let Ok(left @ 1..) = u64::try_from(left) else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left)) => {}
                // The sender lives in `self`, so this ends only by a move.
                _ = moved.changed() => {}
            }
        }
    }

    /// Completes after `duration` of this clock's time, or of the system's: a clock that went back
    /// lets nobody wait longer.
    pub async fn sleep(&self, duration: Duration) {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        tokio::select! {
            () = self.sleep_until(self.now_ms().saturating_add(ms)) => {}
            () = tokio::time::sleep(duration) => {}
        }
    }
}

fn system_ms() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_move_wakes_a_sleeper() {
        let clock = Clock::default();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_hours(1)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_hours(1));
        tokio::time::timeout(Duration::from_secs(5), sleeper)
            .await
            .expect("the sleeper noticed")
            .expect("and did not panic");
    }

    #[tokio::test]
    async fn a_reset_makes_no_sleep_longer() {
        let clock = Clock::default();
        clock.advance(Duration::from_hours(1));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_millis(20)).await }
        });
        tokio::task::yield_now().await;
        clock.reset();
        tokio::time::timeout(Duration::from_secs(5), sleeper)
            .await
            .expect("the sleeper went by the system's time")
            .expect("and did not panic");
    }
}
