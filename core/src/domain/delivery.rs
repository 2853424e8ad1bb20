//! The *delivery* of a notice by mail: who is sending it, and whether it has gone.
//!
//! A mail server cannot be asked whether it has taken a mail. So a delivery is claimed before
//! the mail is sent, and noted after it: the same notice in two messages, or one message in two
//! workers, makes one mail. Where nobody can know whether a mail has gone (the sender died, or there was
//! no answer) it is sent once more and no further; the record then says that it is uncertain.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::{Attempt, Notice, Video, is_default};

/// The delivery of one notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The notice's id.
    pub notice_id: String,
    /// Who is sending it. `None`: it is over, unless it is [`to_be_sent`](Self::to_be_sent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// How many mails were sent of which nobody knows whether they have gone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub uncertain: u32,
    /// Nobody is sending it, and the next may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_be_sent: bool,
}

/// What may be done about a notice.
#[derive(Debug, PartialEq, Eq)]
pub enum DeliveryClaim {
    /// Send the mail, once this record is stored.
    Send(Box<Video>),
    /// Nothing: the mail has gone, or nobody knows and it was tried often enough.
    Over,
    /// Nothing more: each mail that was sent is uncertain. Store this record.
    GiveUp(Box<Video>),
    /// Somebody else is sending it just now.
    InProgress,
}

/// How long a claim lasts: longer than a send may take, so that nobody sends beside a slow sender.
pub const CLAIM_LEASE: Duration = Duration::minutes(1);

/// How many mails of one notice may be uncertain.
const MAX_UNCERTAIN: u32 = 2;

/// How many deliveries a record keeps.
const MAX_DELIVERIES: usize = 20;

impl Video {
    /// Decides whether `by` may send the notice's mail; it has [`CLAIM_LEASE`] for that.
    #[must_use]
    pub fn claim_delivery(&self, notice_id: &str, by: &str, now: DateTime<Utc>) -> DeliveryClaim {
        let claim = Attempt {
            id: by.to_owned(),
            lease_until: now + CLAIM_LEASE,
        };
        let Some(known) = self.delivery(notice_id) else {
            let next = self.with_delivery(notice_id, Some(claim), 0, false, now);
            return DeliveryClaim::Send(Box::new(next));
        };
        let uncertain = match &known.attempt {
            None if known.to_be_sent => known.uncertain,
            None => return DeliveryClaim::Over,
            Some(other) if other.id == by => known.uncertain,
            // Clocks may differ: for others it is over when it has been over for as long again.
            Some(other) if other.lease_until + CLAIM_LEASE > now => {
                return DeliveryClaim::InProgress;
            }
            // Its sender has died, perhaps after the mail went.
            Some(_) => known.uncertain + 1,
        };
        if uncertain >= MAX_UNCERTAIN {
            let next = self.with_delivery(notice_id, None, uncertain, false, now);
            return DeliveryClaim::GiveUp(Box::new(next));
        }
        let next = self.with_delivery(notice_id, Some(claim), uncertain, false, now);
        DeliveryClaim::Send(Box::new(next))
    }

    /// Whether a mail of the notice may have gone although nobody knows.
    #[must_use]
    pub fn is_delivery_uncertain(&self, notice_id: &str) -> bool {
        self.delivery(notice_id)
            .is_some_and(|delivery| delivery.uncertain > 0)
    }

    /// Whether `by` has the claim.
    #[must_use]
    pub fn is_delivery_claimed_by(&self, notice_id: &str, by: &str) -> bool {
        self.claimed_delivery(notice_id, by).is_some()
    }

    /// The notice's mail has gone.
    #[must_use]
    pub fn delivered(&self, notice_id: &str, now: DateTime<Utc>) -> Self {
        self.with_delivery(notice_id, None, 0, false, now)
    }

    /// The notice's mail has surely not gone: the next may send it at once. `None`: the claim is not
    /// `by`'s any more, and what another has noted stays.
    #[must_use]
    pub fn delivery_released(&self, notice_id: &str, by: &str, now: DateTime<Utc>) -> Option<Self> {
        let claimed = self.claimed_delivery(notice_id, by)?;
        Some(self.with_delivery(notice_id, None, claimed.uncertain, true, now))
    }

    /// `by` has sent the notice's mail and does not know whether it has gone. The next may send it once
    /// more, unless that was so before. `None`: the claim is not `by`'s any more.
    #[must_use]
    pub fn delivery_uncertain(
        &self,
        notice_id: &str,
        by: &str,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let claimed = self.claimed_delivery(notice_id, by)?;
        let uncertain = claimed.uncertain + 1;
        let again = uncertain < MAX_UNCERTAIN;
        Some(self.with_delivery(notice_id, None, uncertain, again, now))
    }

    /// Whether the mail about its end is still to go. After so many times that the sweep has published
    /// it again, an operator has to look.
    #[must_use]
    pub(super) fn awaits_delivery(&self) -> bool {
        let is_over = |delivery: &Delivery| delivery.attempt.is_none() && !delivery.to_be_sent;
        self.status.is_terminal()
            && self.email.is_some()
            && self.resends < MAX_REPUBLICATIONS
            && !self
                .delivery(&Notice::from_video(self).notice_id)
                .is_some_and(is_over)
    }

    fn delivery(&self, notice_id: &str) -> Option<&Delivery> {
        self.deliveries.iter().find(|d| d.notice_id == notice_id)
    }

    fn claimed_delivery(&self, notice_id: &str, by: &str) -> Option<&Delivery> {
        let delivery = self.delivery(notice_id)?;
        let own = |attempt: &Attempt| attempt.id == by;
        delivery
            .attempt
            .as_ref()
            .is_some_and(own)
            .then_some(delivery)
    }

    fn with_delivery(
        &self,
        notice_id: &str,
        attempt: Option<Attempt>,
        uncertain: u32,
        to_be_sent: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let mut next = self.next_version(now);
        next.deliveries.retain(|known| known.notice_id != notice_id);
        next.deliveries.push(Delivery {
            notice_id: notice_id.to_owned(),
            attempt,
            uncertain,
            to_be_sent,
        });
        let surplus = next.deliveries.len().saturating_sub(MAX_DELIVERIES);
        next.deliveries.drain(..surplus);
        next
    }
}

/// How often the sweep publishes an outcome again whose mail does not go: for four days, as it waits
/// twice as long each time.
const MAX_REPUBLICATIONS: u32 = 8;

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
            DeliveryClaim::Over
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
            by_a1.claim_delivery("n0", "a2", at(119)),
            DeliveryClaim::InProgress
        );
        claimed(&by_a1, "a1", 1);
        assert_eq!(claimed(&by_a1, "a2", 120).deliveries.len(), 1);
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

    #[test]
    fn a_mail_that_may_have_gone_is_sent_once_more_and_no_further() {
        let video = claimed(&video(Status::Done), "a1", 0);
        let once = video.delivery_uncertain("n0", "a1", at(30));
        let once = once.expect("its own claim");
        let again = claimed(&once, "a2", 31);
        assert_eq!(again.deliveries[0].uncertain, 1);
        let twice = again.delivery_uncertain("n0", "a2", at(60));
        let twice = twice.expect("its own claim");
        assert_eq!(
            twice.claim_delivery("n0", "a3", at(900)),
            DeliveryClaim::Over
        );
        // Who dies at it has perhaps sent it.
        let DeliveryClaim::GiveUp(given_up) = again.claim_delivery("n0", "a3", at(900)) else {
            panic!("two mails may have gone")
        };
        assert_eq!(given_up.deliveries[0].uncertain, 2);
        // What was surely not sent does not count.
        let released = again
            .delivery_released("n0", "a2", at(40))
            .expect("its own");
        assert_eq!(claimed(&released, "a3", 41).deliveries[0].uncertain, 1);
    }
}
