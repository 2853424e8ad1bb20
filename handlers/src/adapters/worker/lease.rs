//! A message's visibility: how long nobody else gets it.

use std::time::Duration;

use super::Queue;

/// SQS hides a message for at most twelve hours from when it was received.
const LONGEST: Duration = Duration::from_hours(12);

/// Renews the visibility of these messages until one cannot be kept; then the work on them must
/// stop, because somebody else may have them. Never ends otherwise.
pub(super) async fn keep(queue: &dyn Queue, receipts: &[&str], visibility: Duration) {
    let received = tokio::time::Instant::now();
    let mut valid_until = received + visibility;
    let mut ticks = tokio::time::interval_at(received + visibility / 3, visibility / 3);
    loop {
        let now = ticks.tick().await;
        let length = visibility.min(LONGEST.saturating_sub(now - received));
        for receipt in receipts {
            match queue.change_visibility(receipt, length).await {
                Ok(true) => {}
                Ok(false) => return,
                // A peer that is down for a moment does not end the hold, but its end does.
                Err(error) if tokio::time::Instant::now() < valid_until => {
                    tracing::warn!(%error, "a message's visibility could not be renewed yet");
                }
                Err(_) => return,
            }
        }
        valid_until = now + length;
    }
}

/// How long what has failed `times` times waits: twice as long each time, up to fifteen
/// minutes, less up to half of it by chance so that not all come back at once.
pub(super) fn delay(times: u32) -> Duration {
    let longest = Duration::from_mins(15);
    let doubled = Duration::from_secs(1 << times.saturating_sub(1).min(10)).min(longest);
    doubled.mul_f64(1.0 - fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_waits_longer() {
        for (times, longest) in [(0, 1), (1, 1), (2, 2), (5, 16), (11, 900), (u32::MAX, 900)] {
            let longest = Duration::from_secs(longest);
            let delay = delay(times);
            assert!(
                delay <= longest && delay >= longest / 2,
                "{times}: {delay:?}"
            );
        }
    }
}
