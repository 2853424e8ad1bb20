//! A queue as SQS promises it, no better: at least once, in any order, hidden while in hand.

use std::sync::Arc;

use crate::chance::Chance;
use crate::world::Ms;

/// The queues of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum QueueName {
    Jobs,
    JobsDead,
    Notices,
    NoticesDead,
    Uploads,
    UploadsDead,
}

impl QueueName {
    pub(crate) const ALL: [Self; 6] = [
        Self::Jobs,
        Self::JobsDead,
        Self::Notices,
        Self::NoticesDead,
        Self::Uploads,
        Self::UploadsDead,
    ];

    /// Where what was received too often goes.
    pub(crate) fn dead(self) -> Option<Self> {
        match self {
            Self::Jobs => Some(Self::JobsDead),
            Self::Notices => Some(Self::NoticesDead),
            Self::Uploads => Some(Self::UploadsDead),
            Self::JobsDead | Self::NoticesDead | Self::UploadsDead => None,
        }
    }
}

/// How long every queue keeps a message: fourteen days.
const RETENTION: Ms = 14 * 24 * 3_600_000;

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) body: Arc<str>,
    /// The attribute that says why somebody put it among the dead letters.
    pub(crate) reason: Option<Arc<str>>,
    pub(crate) sent: Ms,
    pub(crate) visible: Ms,
    pub(crate) receives: u32,
    /// When it was received first.
    pub(crate) first_received: Ms,
    /// Of the last receive; an older one is good for nothing.
    pub(crate) receipt: u64,
}

impl Message {
    /// How long ago it was received first, as far as anybody decides by it.
    pub(crate) fn age(&self, now: Ms) -> Ms {
        const OLD: Ms = 30 * 60_000;
        if self.receives < 2 {
            return 0;
        }
        (now - self.first_received).min(OLD)
    }

    /// Is received once more.
    fn hide(&mut self, now: Ms, visibility: Ms, receipt: u64) {
        if self.receives == 0 {
            self.first_received = now;
        }
        self.receives += 1;
        self.visible = now + visibility;
        self.receipt = receipt;
    }
}

#[derive(Clone, Default)]
pub(crate) struct Queue {
    pub(crate) messages: Vec<Message>,
    pub(crate) receipts: u64,
}

/// What a receive gave.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) messages: Vec<Message>,
    /// Received too often: dead letters from now on.
    pub(crate) given_up: Vec<Message>,
    /// Older than a queue keeps them.
    pub(crate) expired: Vec<Message>,
}

impl Queue {
    pub(crate) fn receive(
        &mut self,
        now: Ms,
        max: usize,
        visibility: Ms,
        max_receives: Option<u32>,
        chance: Chance,
    ) -> Received {
        let mut received = Received::default();
        if let Some(first) = self.messages.iter().map(|m| m.sent).min()
            && now - first > RETENTION
        {
            received.expired = self
                .messages
                .extract_if(.., |m| now - m.sent > RETENTION)
                .collect();
        }
        while received.messages.len() < max {
            let visible = self.messages.iter().enumerate();
            let visible = visible.filter(|(_, m)| m.visible <= now);
            let Some((place, _)) =
                visible.min_by_key(|(_, m)| chance.at(m.id).at(u64::from(m.receives)).key())
            else {
                break;
            };
            if max_receives.is_some_and(|max| self.messages[place].receives >= max) {
                received.given_up.push(self.messages.remove(place));
                continue;
            }
            self.receipts += 1;
            let message = &mut self.messages[place];
            message.hide(now, visibility, self.receipts);
            received.messages.push(message.clone());
        }
        received
    }

    /// This message, if it can be had.
    pub(crate) fn receive_one(&mut self, id: u64, now: Ms, visibility: Ms) -> Option<Message> {
        let message = self.messages.iter_mut().find(|m| m.id == id)?;
        if message.visible > now {
            return None;
        }
        self.receipts += 1;
        message.hide(now, visibility, self.receipts);
        Some(message.clone())
    }

    /// The message of this receipt, taken out; `None` when the receipt is not good any more.
    pub(crate) fn delete(&mut self, receipt: u64) -> Option<Message> {
        let place = self.messages.iter().position(|m| m.receipt == receipt)?;
        Some(self.messages.remove(place))
    }

    /// False when the receipt is not good any more: the message is gone, visible again or
    /// somebody else's.
    pub(crate) fn change_visibility(&mut self, receipt: u64, now: Ms, visibility: Ms) -> bool {
        let message = self.messages.iter_mut().find(|m| m.receipt == receipt);
        message.filter(|m| m.visible > now).is_some_and(|message| {
            message.visible = now + visibility;
            true
        })
    }

    /// When the next message can be received.
    pub(crate) fn next_visible(&self) -> Option<Ms> {
        self.messages.iter().map(|m| m.visible).min()
    }
}
