//! A line of the log that may repeat without end: it is written once a minute, with how often it was
//! not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const PAUSE: Duration = Duration::from_mins(1);

/// When a line was written last, and how often it was left out since.
#[derive(Default)]
pub(super) struct LogLimit(Mutex<Option<(Instant, u64)>>);

impl LogLimit {
    /// Whether the line is to be written now; then how often it was left out before.
    pub(super) fn pass(&self) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &mut *last {
            Some((at, left_out)) if now - *at < PAUSE => {
                *left_out += 1;
                None
            }
            other => {
                let left_out = other.map_or(0, |(_, left_out)| left_out);
                *other = Some((now, 0));
                Some(left_out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_repeats_is_said_once_a_minute() {
        let limit = LogLimit::default();
        let mut written = Vec::new();
        for _ in 0..150 {
            written.extend(limit.pass());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(written, [0, 59, 59]);
    }
}
