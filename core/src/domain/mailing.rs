//! The *mailing* of a notice: who is at it, and whether its mail has gone.
//!
//! A mail server cannot be asked whether it has taken a mail. So a mailing is claimed before
//! the mail is sent, and noted after it: the same notice in two messages, or one message in two
//! workers, makes one mail. Only a crash between the two makes a second one, after the claim
//! has run out; none makes the mail go missing.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::{Attempt, Video};

/// The mailing of one notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailing {
    /// The notice's id.
    pub notice_id: String,
    /// Who is at it; `None`: the mail has gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
}

/// What may be done about a notice.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Send the mail, once this record is stored.
    Go(Box<Video>),
    /// Nothing: the mail has gone.
    Over,
    /// Somebody else is sending it just now.
    Held,
}

/// How long a mail may take. Less than a message's retries take together: who died at it must
/// not keep the next ones waiting until the message is a dead letter.
pub const LEASE: Duration = Duration::seconds(5);

/// Of how many notices a record knows the mailing.
const KEPT: usize = 20;

impl Video {
    /// The attempt `by` wants to send the notice's mail, and has [`LEASE`] for it.
    #[must_use]
    pub fn claim_mail(&self, notice_id: &str, by: &str, now: DateTime<Utc>) -> Claim {
        let known = self.mailings.iter().find(|m| m.notice_id == notice_id);
        match known.map(|mailing| mailing.attempt.as_ref()) {
            Some(None) => Claim::Over,
            Some(Some(held)) if held.lease_until > now && held.id != by => Claim::Held,
            _ => {
                let attempt = Attempt {
                    id: by.to_owned(),
                    lease_until: now + LEASE,
                };
                Claim::Go(Box::new(self.with_mailing(notice_id, Some(attempt), now)))
            }
        }
    }

    /// The notice's mail has gone.
    #[must_use]
    pub fn mailed(&self, notice_id: &str, now: DateTime<Utc>) -> Self {
        self.with_mailing(notice_id, None, now)
    }

    /// The notice's mail could not be sent: the next may try at once.
    #[must_use]
    pub fn unclaimed(&self, notice_id: &str, now: DateTime<Utc>) -> Self {
        let mut next = self.next(now);
        next.mailings.retain(|m| m.notice_id != notice_id);
        next
    }

    fn with_mailing(&self, notice_id: &str, attempt: Option<Attempt>, now: DateTime<Utc>) -> Self {
        let mut next = self.unclaimed(notice_id, now);
        next.mailings.push(Mailing {
            notice_id: notice_id.to_owned(),
            attempt,
        });
        let surplus = next.mailings.len().saturating_sub(KEPT);
        next.mailings.drain(..surplus);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Status;
    use crate::domain::video::tests::{at, video};

    fn claimed(video: &Video, by: &str, second: i64) -> Video {
        match video.claim_mail("n0", by, at(second)) {
            Claim::Go(next) => *next,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_notice_is_mailed_once() {
        let mut video = claimed(&video(Status::Done), "a1", 0).mailed("n0", at(1));
        assert_eq!(video.claim_mail("n0", "a2", at(500)), Claim::Over);
        for n in 1..=20 {
            video = video.mailed(&format!("n{n}"), at(2));
        }
        assert_eq!(video.mailings.len(), KEPT);
    }

    #[test]
    fn a_claim_holds_until_it_runs_out_or_is_given_up() {
        let held = claimed(&video(Status::Done), "a1", 0);
        assert_eq!(held.claim_mail("n0", "a2", at(4)), Claim::Held);
        claimed(&held, "a1", 1);
        assert_eq!(claimed(&held, "a2", 5).mailings.len(), 1);
        claimed(&held.unclaimed("n0", at(1)), "a2", 1);
    }
}
