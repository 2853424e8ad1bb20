//! Which frames are wanted.
//!
//! The rule is that of the select filter of the whole strategy, computed in the same
//! floating-point steps: a frame that lies on the border of an interval must not be chosen here
//! and missed there.

use super::ticks;
use crate::index::{Index, Sample, Unfit};
use crate::options::{Mode, Options};

/// Media times beyond this would not be exact in a double, once doubled.
const MAX_TICKS: i64 = 1 << 50;

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
pub(super) fn choose(index: &Index, options: &Options) -> Result<Vec<Chosen>, Unfit> {
    let shown = shown(index)?;
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
        return Err(Unfit::NoVideo);
    };
    let clock = Clock {
        origin: first.pts,
        lead: index.window.lead,
        tick: 1.0 / f64::from(index.timescale),
        every: options.every.as_secs_f64(),
        from: options.from.unwrap_or_default().as_secs_f64(),
        to: options.to.map_or(f64::INFINITY, |to| to.as_secs_f64()),
    };
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
fn shown(index: &Index) -> Result<Vec<Shown>, Unfit> {
    let mut shown = Vec::with_capacity(index.samples.len());
    for (sample, number) in index.samples.iter().zip(0_u32..) {
        let pts = sample.pts();
        if sample.dts.abs() > MAX_TICKS {
            return Err(Unfit::inconsistent("stts"));
        }
        // Empty samples stand for "no new frame".
        if index.window.shows(pts) && sample.size() > 0 {
            shown.push(Shown {
                pts,
                sample: number,
            });
        }
    }
    shown.sort_unstable_by_key(|frame| frame.pts);
    // Which of two frames is shown first is then not said; and mostly all times are wrong.
    if shown.windows(2).any(|pair| pair[0].pts == pair[1].pts) {
        return Err(Unfit::inconsistent("times of frames"));
    }
    Ok(shown)
}

/// From ticks to the numbers that the select filter computes with.
struct Clock {
    origin: i64,
    lead: i64,
    tick: f64,
    every: f64,
    from: f64,
    to: f64,
}

impl Clock {
    /// `t - start_t` of a frame.
    fn since_start(&self, pts: i64) -> f64 {
        let at = |pts: i64| ticks(pts - self.origin + self.lead) * self.tick;
        at(pts) - at(self.origin)
    }

    /// The interval in which a frame lies, if it lies between the wanted ends.
    fn interval(&self, pts: i64) -> Option<f64> {
        let since = self.since_start(pts);
        let inside = self.from <= since && since < self.to;
        inside.then(|| ((since - self.from) / self.every).floor())
    }
}

/// The first frame of each interval in which there is one.
fn exact(shown: &[Shown], clock: &Clock) -> Vec<usize> {
    let mut last = f64::NEG_INFINITY;
    let mut wanted = Vec::new();
    for (at, frame) in shown.iter().enumerate() {
        match clock.interval(frame.pts) {
            Some(interval) if interval > last => {
                wanted.push(at);
                last = interval;
            }
            _ => {}
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
    let mut interval = 0_u32;
    loop {
        let start = f64::from(interval).mul_add(clock.every, clock.from);
        if start > end || start >= clock.to {
            return wanted;
        }
        while let Some(next) = keys.next_if(|&at| clock.since_start(shown[at].pts) <= start) {
            current = Some(next);
        }
        if wanted.last().copied() != current {
            wanted.extend(current);
        }
        // Intervals in which no keyframe begins would give the same one again.
        let Some(&next) = keys.peek() else {
            return wanted;
        };
        let next = (clock.since_start(shown[next].pts) - clock.from) / clock.every;
        interval = (interval + 1).max(whole(next));
    }
}

/// The number of whole intervals in `intervals`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is clamped to the integer's range"
)]
fn whole(intervals: f64) -> u32 {
    intervals.floor().min(f64::from(u32::MAX - 1)) as u32
}
