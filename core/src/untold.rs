//! Attempts of this process that ended in order, of which nobody could be told: neither the record nor,
//! by a message, who tries next. They would look cut off for ever, as if the video had been too much.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are remembered. The oldest is forgotten first, and then counts as cut off.
const MAX_REMEMBERED: usize = 1_000;

/// What this process has still to tell.
#[derive(Debug, Default)]
pub struct UntoldEnds(Mutex<VecDeque<UntoldEnd>>);

/// An attempt that ended in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntoldEnd {
    /// The video.
    pub video_id: String,
    /// The attempt at it.
    pub attempt: String,
}

impl UntoldEnds {
    /// Remembers one.
    pub fn remember(&self, end: UntoldEnd) {
        let mut ends = self.ends();
        if ends.len() >= MAX_REMEMBERED {
            ends.pop_front();
        }
        ends.push_back(end);
    }

    /// The one that is remembered for the longest, to be told now; to be
    /// [remembered](Self::remember) again where that fails.
    pub fn take(&self) -> Option<UntoldEnd> {
        self.ends().pop_front()
    }

    fn ends(&self) -> MutexGuard<'_, VecDeque<UntoldEnd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_their_order_and_not_remembered_without_bound() {
        let ends = UntoldEnds::default();
        let end = |n: usize| UntoldEnd {
            video_id: "v1".to_owned(),
            attempt: format!("a{n}"),
        };
        (0..=MAX_REMEMBERED).for_each(|n| ends.remember(end(n)));
        for n in 1..=MAX_REMEMBERED {
            assert_eq!(ends.take(), Some(end(n)));
        }
        assert_eq!(ends.take(), None);
    }
}
