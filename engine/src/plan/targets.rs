//! Which frames are wanted.
//!
//! The rule is that of the whole strategy's selection (`arguments::select`), in integers: a frame
//! that begins exactly where an interval does is that interval's, here and there.

use std::time::Duration;

use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::{Index, Sample};
use crate::options::{Mode, Options};

/// Up to this time, 141 days at 90,000 ticks in a second, the selection of the whole strategy
/// computes as exactly in doubles as is done here.
const MAX_TICKS: i64 = 1 << 40;

/// A wanted frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) sample: u32,
    /// Ticks from the first frame shown.
    pub(super) ticks: i64,
}

/// A frame that is shown, and when.
#[derive(Clone, Copy)]
struct Shown {
    pts: i64,
    sample: u32,
}

/// The wanted frames, in the order they are shown.
pub(super) fn choose(index: &Index, options: &Options) -> Result<Vec<Chosen>, IndexUnusable> {
    let shown = shown(index)?;
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
        return Err(IndexUnusable::NoVideo);
    };
    let clock = Clock::new(first.pts, index.timescale, options);
    let wanted = match options.mode {
        Mode::Exact => exact(&shown, &clock),
        Mode::Keyframe => keyframes(index, &shown, &clock, last.pts),
    };
    Ok(wanted
        .into_iter()
        .map(|at| Chosen {
            sample: shown[at].sample,
            ticks: shown[at].pts - first.pts,
        })
        .collect())
}

/// The frames that the window shows, in the order of their time.
fn shown(index: &Index) -> Result<Vec<Shown>, IndexUnusable> {
    let mut shown = Vec::with_capacity(index.samples.len());
    for (sample, number) in index.samples.iter().zip(0_u32..) {
        let pts = sample.pts();
        if sample.dts.abs() > MAX_TICKS {
            return Err(IndexUnusable::inconsistent("stts"));
        }
        // Empty samples stand for "no new frame".
        if index.presentation_range.contains(pts) && sample.size() > 0 {
            shown.push(Shown {
                pts,
                sample: number,
            });
        }
    }
    shown.sort_unstable_by_key(|frame| frame.pts);
    // Which of two frames is shown first is then not said; and mostly all times are wrong.
    if shown.windows(2).any(|pair| pair[0].pts == pair[1].pts) {
        return Err(IndexUnusable::inconsistent("times of frames"));
    }
    Ok(shown)
}

/// Times from the first frame on, in thousandths of a tick: frames' times, which are whole ticks,
/// and moments, which are whole milliseconds, are both integers.
struct Clock {
    origin: i64,
    every: i128,
    from: i128,
    to: Option<i128>,
}

impl Clock {
    fn new(origin: i64, timescale: u32, options: &Options) -> Self {
        let moment = |at: Duration| at.as_millis().cast_signed() * i128::from(timescale);
        Self {
            origin,
            every: moment(options.every).max(1),
            from: moment(options.from.unwrap_or_default()),
            to: options.to.map(moment),
        }
    }

    /// When a frame is shown.
    fn since_start(&self, pts: i64) -> i128 {
        (i128::from(pts) - i128::from(self.origin)) * 1000
    }

    fn is_past_end(&self, moment: i128) -> bool {
        self.to.is_some_and(|to| moment >= to)
    }

    /// The interval in which a frame lies, if it lies between the wanted ends.
    fn interval(&self, pts: i64) -> Option<i128> {
        let since = self.since_start(pts);
        let inside = self.from <= since && !self.is_past_end(since);
        inside.then(|| (since - self.from) / self.every)
    }

    /// The start of the first interval that begins at or after `since`, which is after the
    /// wanted start.
    fn next_moment(&self, since: i128) -> i128 {
        let intervals = (since - self.from + self.every - 1) / self.every;
        self.from + intervals * self.every
    }
}

/// The first frame of each interval in which there is one.
fn exact(shown: &[Shown], clock: &Clock) -> Vec<usize> {
    let mut last = None;
    let mut wanted = Vec::new();
    for (at, frame) in shown.iter().enumerate() {
        let interval = clock.interval(frame.pts);
        if interval > last {
            wanted.push(at);
            last = interval;
        }
    }
    wanted
}

/// The keyframe at or before the start of each interval; each keyframe once.
fn keyframes(index: &Index, shown: &[Shown], clock: &Clock, end: i64) -> Vec<usize> {
    let is_key = |frame: &Shown| {
        let sample = index.samples.get(frame.sample as usize);
        sample.is_some_and(Sample::sync)
    };
    let end = clock.since_start(end);
    let mut wanted: Vec<usize> = Vec::new();
    let mut keys = (0..shown.len()).filter(|&at| is_key(&shown[at])).peekable();
    let mut current = keys.peek().copied();
    let mut moment = clock.from;
    loop {
        if moment > end || clock.is_past_end(moment) {
            return wanted;
        }
        while let Some(next) = keys.next_if(|&at| clock.since_start(shown[at].pts) <= moment) {
            current = Some(next);
        }
        if wanted.last().copied() != current {
            wanted.extend(current);
        }
        // Intervals in which no keyframe begins would give the same one again.
        let Some(&next) = keys.peek() else {
            return wanted;
        };
        moment = clock.next_moment(clock.since_start(shown[next].pts));
    }
}
