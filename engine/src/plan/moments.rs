//! The moments for which frames are wanted, and which frame is on screen at each.
//!
//! All of it is counted in whole numbers: a frame that begins exactly at a moment is that moment's,
//! however the video is read.

use std::ops::Range;
use std::time::Duration;

use crate::options::Options;

/// The moments `from + k * every`, up to the wanted end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    every: i128,
    from: i128,
    to: Option<i128>,
}

/// A tail of sound shorter than this, behind the last frame, has no moments of its own.
const MIN_TAIL: Duration = Duration::from_millis(500);

impl Moments {
    /// The moments that `options` ask for.
    pub(crate) fn new(options: &Options) -> Self {
        let millis = |duration: Duration| duration.as_millis().cast_signed();
        Self {
            every: millis(options.every).max(1),
            from: millis(options.from.unwrap_or_default()),
            to: options.to.map(millis),
        }
    }

    /// The distance of two moments, in milliseconds.
    pub(crate) fn every_millis(&self) -> i128 {
        self.every
    }

    /// The first moment, in milliseconds.
    pub(crate) fn first_millis(&self) -> i128 {
        self.from
    }

    /// The moment numbered `number`, in milliseconds.
    pub(crate) fn millis(&self, number: u64) -> i128 {
        self.from + i128::from(number) * self.every
    }

    /// How many there are, where an end is wanted.
    pub(crate) fn total(&self) -> Option<u64> {
        self.to.map(|to| count(to - self.from, self.every))
    }

    /// How many there are before a time of so many ticks, which are `per_second`.
    pub(crate) fn before(&self, ticks: i128, per_second: u32) -> u64 {
        let per_second = i128::from(per_second);
        let after_start = ticks * 1000 - self.from * per_second;
        let count = count(after_start, self.every * per_second);
        self.total().map_or(count, |total| count.min(total))
    }
}

/// How many multiples of `every`, from zero on, there are before `length`.
fn count(length: i128, every: i128) -> u64 {
    let count = if length <= 0 {
        0
    } else {
        (length - 1) / every + 1
    };
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// When the last frame ends, all in the same ticks: it stays as long as the one before it did, or
/// until the file ends, where that is another time by more than a tail of sound.
pub(crate) fn end_of_last(begins: i64, gap: i64, file_end: Option<i64>, per_second: u32) -> i64 {
    let own = begins.saturating_add(gap.max(1));
    let tail = i64::from(per_second) * i64::try_from(MIN_TAIL.as_millis()).unwrap_or(0) / 1000;
    match file_end {
        Some(end) if end > begins && end.abs_diff(own) > tail.unsigned_abs() => end,
        _ => own,
    }
}

/// Gives each frame its moments, as their times come one after the other.
#[derive(Clone, Debug)]
pub(crate) struct OnScreen {
    moments: Moments,
    per_second: u32,
    given: u64,
}

impl OnScreen {
    /// For times in ticks of which `per_second` are a second.
    pub(crate) fn new(moments: Moments, per_second: u32) -> Self {
        Self {
            moments,
            per_second,
            given: 0,
        }
    }

    /// The moments at which a frame is on screen that ends at `end`; empty for none. Those before the
    /// first frame are that one's.
    pub(crate) fn until(&mut self, end: i64) -> Range<u64> {
        let before = self.moments.before(end.into(), self.per_second);
        let start = self.given;
        self.given = before.max(start);
        start..self.given
    }

    /// Whether every moment before the wanted end has its frame.
    pub(crate) fn is_complete(&self) -> bool {
        self.moments
            .total()
            .is_some_and(|total| self.given >= total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(every: u64, from: u64, to: Option<u64>) -> Moments {
        Moments::new(&Options {
            every: Duration::from_millis(every),
            from: Some(Duration::from_millis(from)),
            to: to.map(Duration::from_millis),
            ..Options::default()
        })
    }

    #[test]
    fn a_moment_is_not_before_itself() {
        let moments = moments(1000, 0, None);
        let before: Vec<_> = [-1, 0, 1, 25, 26, 50, 51]
            .map(|ticks| moments.before(ticks, 25))
            .into();
        assert_eq!(before, [0, 0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn a_slide_has_all_moments_until_the_next_one() {
        let mut screen = OnScreen::new(moments(1000, 500, Some(5500)), 1000);
        assert_eq!(screen.until(400), 0..0);
        assert_eq!(screen.until(2500), 0..2);
        assert_eq!(screen.until(2501), 2..3);
        assert!(!screen.is_complete());
        assert_eq!(screen.until(60_000), 3..5);
        assert!(screen.is_complete());
    }

    #[test]
    fn a_long_tail_is_shown_and_a_short_one_is_not() {
        assert_eq!(end_of_last(960, 40, Some(1020), 1000), 1000);
        assert_eq!(end_of_last(960, 40, Some(5000), 1000), 5000);
        assert_eq!(end_of_last(960, 40, None, 1000), 1000);
        assert_eq!(end_of_last(9000, 9000, Some(9040), 1000), 9040);
    }
}
