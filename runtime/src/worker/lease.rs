//! A message's visibility: how long nobody else gets it.

use std::time::Duration;

use tokio::time::{Instant, interval_at, timeout_at};

use super::Queue;
use crate::Result;

/// SQS hides a message for at most twelve hours from when it was received.
const LONGEST: Duration = Duration::from_hours(12);

/// Renews the visibility of these messages until one cannot be kept; then the work on them must
/// stop, because somebody else may have them. Never ends otherwise.
pub(super) async fn keep(queue: &dyn Queue, receipts: &[&str], visibility: Duration) {
    let received = Instant::now();
    let mut valid_until = received + visibility;
    let mut ticks = interval_at(received + visibility / 3, visibility / 3);
    loop {
        let now = ticks.tick().await;
        let length = visibility.min(LONGEST.saturating_sub(now - received));
        if length.is_zero() {
            return;
        }
        let renewal = timeout_at(valid_until, renew(queue, receipts, length));
        let renewed = renewal.await;
        if !matches!(renewed, Ok(Ok(true))) {
            metrics::counter!("messaging.message.renewals.failed").increment(1);
        }
        match renewed {
            Ok(Ok(true)) => valid_until = now + length,
            // A peer that is down for a moment does not end the hold, but the hold's own end does.
            Ok(Err(error)) if Instant::now() < valid_until => {
                tracing::warn!(%error, "a message's visibility could not be renewed yet");
            }
            Ok(Ok(false) | Err(_)) | Err(_) => return,
        }
    }
}

async fn renew(queue: &dyn Queue, receipts: &[&str], length: Duration) -> Result<bool> {
    for receipt in receipts {
        if !queue.change_visibility(receipt, length).await? {
            return Ok(false);
        }
    }
    Ok(true)
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
    use std::sync::Mutex;

    use super::*;
    use crate::Error;
    use async_trait::async_trait;
    use aws_lambda_events::sqs::SqsMessage;

    /// Answers renewals as it was told, then says that the receipt is gone.
    struct Script(Mutex<Vec<Result<bool>>>);

    #[async_trait]
    impl Queue for Script {
        async fn receive(&self, _: usize, _: Duration, _: Duration) -> Result<Vec<SqsMessage>> {
            unreachable!("a lease receives nothing")
        }

        async fn delete(&self, _: &[String]) -> Result<Vec<String>> {
            unreachable!("a lease deletes nothing")
        }

        async fn change_visibility(&self, _: &str, _: Duration) -> Result<bool> {
            self.0
                .lock()
                .expect("the script")
                .pop()
                .unwrap_or(Ok(false))
        }
    }

    /// After how many seconds a hold of 30 s ends.
    async fn held(mut script: Vec<Result<bool>>) -> u64 {
        script.reverse();
        let began = Instant::now();
        keep(
            &Script(Mutex::new(script)),
            &["receipt"],
            Duration::from_secs(30),
        )
        .await;
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_is_renewed_at_a_third_until_the_receipt_is_gone() {
        assert_eq!(held(vec![Ok(true), Ok(true)]).await, 30);
        assert_eq!(held(vec![]).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_is_down_ends_a_hold_when_its_time_is_over() {
        let down = || Err(Error::transient("down"));
        assert_eq!(
            held(vec![down(), Ok(true), down(), down(), down(), down()]).await,
            50
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_lasts_twelve_hours_at_most() {
        assert!(held(vec![Ok(true); 10_000]).await <= LONGEST.as_secs() + 30);
    }

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
