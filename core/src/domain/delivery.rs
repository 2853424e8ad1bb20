//! The *delivery* of a notice by mail: who is sending it, and whether it has gone.
//!
//! A mail server cannot be asked whether it has taken a mail. So a delivery is claimed before
//! the mail is sent, and noted after it: the same notice in two messages, or one message in two
//! workers, makes one mail. Only a crash between the two makes a second one, after the claim
//! has run out; none makes the mail go missing.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::{Attempt, Video};

/// The delivery of one notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The notice's id.
    pub notice_id: String,
    /// Who is sending it; `None`: the mail has gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
}

/// What may be done about a notice.
#[derive(Debug, PartialEq, Eq)]
pub enum DeliveryClaim {
    /// Send the mail, once this record is stored.
    Send(Box<Video>),
    /// Nothing: the mail has gone.
    Delivered,
    /// Somebody else is sending it just now.
    InProgress,
}

/// How long a claim lasts: longer than a send may take, so that nobody sends beside a slow sender.
pub const CLAIM_LEASE: Duration = Duration::minutes(1);

/// How many deliveries a record keeps.
const MAX_DELIVERIES: usize = 20;

impl Video {
    /// Decides whether `by` may send the notice's mail; it has [`CLAIM_LEASE`] for that.
    #[must_use]
    pub fn claim_delivery(&self, notice_id: &str, by: &str, now: DateTime<Utc>) -> DeliveryClaim {
        let known = self.deliveries.iter().find(|m| m.notice_id == notice_id);
        match known.map(|delivery| delivery.attempt.as_ref()) {
            Some(None) => DeliveryClaim::Delivered,
            Some(Some(claimed)) if claimed.lease_until > now && claimed.id != by => {
                DeliveryClaim::InProgress
            }
            _ => {
                let attempt = Attempt {
                    id: by.to_owned(),
                    lease_until: now + CLAIM_LEASE,
                };
                DeliveryClaim::Send(Box::new(self.with_delivery(notice_id, Some(attempt), now)))
            }
        }
    }

    /// The notice's mail has gone.
    #[must_use]
    pub fn delivered(&self, notice_id: &str, now: DateTime<Utc>) -> Self {
        self.with_delivery(notice_id, None, now)
    }

    /// The notice's mail could not be sent by `by`: the next may try at once. `None`: the claim is not
    /// `by`'s any more, and what another has noted stays.
    #[must_use]
    pub fn delivery_released(&self, notice_id: &str, by: &str, now: DateTime<Utc>) -> Option<Self> {
        let own = |delivery: &Delivery| {
            delivery.notice_id == notice_id
                && delivery
                    .attempt
                    .as_ref()
                    .is_some_and(|attempt| attempt.id == by)
        };
        self.deliveries.iter().any(own).then(|| {
            let mut next = self.next_version(now);
            next.deliveries.retain(|delivery| !own(delivery));
            next
        })
    }

    fn with_delivery(&self, notice_id: &str, attempt: Option<Attempt>, now: DateTime<Utc>) -> Self {
        let mut next = self.next_version(now);
        next.deliveries.retain(|known| known.notice_id != notice_id);
        next.deliveries.push(Delivery {
            notice_id: notice_id.to_owned(),
            attempt,
        });
        let surplus = next.deliveries.len().saturating_sub(MAX_DELIVERIES);
        next.deliveries.drain(..surplus);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Status;
    use crate::domain::video::tests::{at, video};

    fn claimed(video: &Video, by: &str, second: i64) -> Video {
        match video.claim_delivery("n0", by, at(second)) {
            DeliveryClaim::Send(next) => *next,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_notice_is_mailed_once() {
        let mut video = claimed(&video(Status::Done), "a1", 0).delivered("n0", at(1));
        assert_eq!(
            video.claim_delivery("n0", "a2", at(500)),
            DeliveryClaim::Delivered
        );
        for n in 1..=20 {
            video = video.delivered(&format!("n{n}"), at(2));
        }
        assert_eq!(video.deliveries.len(), MAX_DELIVERIES);
    }

    #[test]
    fn a_claim_lasts_until_it_runs_out_or_is_given_up() {
        let by_a1 = claimed(&video(Status::Done), "a1", 0);
        assert_eq!(
            by_a1.claim_delivery("n0", "a2", at(59)),
            DeliveryClaim::InProgress
        );
        claimed(&by_a1, "a1", 1);
        assert_eq!(claimed(&by_a1, "a2", 60).deliveries.len(), 1);
        let released = by_a1.delivery_released("n0", "a1", at(1)).expect("its own");
        claimed(&released, "a2", 1);
        assert_eq!(by_a1.delivery_released("n0", "a2", at(1)), None);
        let delivered = by_a1.delivered("n0", at(2));
        assert_eq!(
            delivered.delivery_released("n0", "a1", at(3)),
            None,
            "it has gone"
        );
    }
}
