//! Which frames are wanted: those on screen at a moment.

use std::ops::Range;

use super::moments::{Moments, OnScreen, end_of_last};
use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::{Index, Sample};
use crate::options::{Mode, Options};

/// Up to this time, 141 days at 90,000 ticks in a second, times in doubles are exact.
const MAX_TICKS: i64 = 1 << 40;

/// A wanted frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) sample: u32,
    /// When it begins, in ticks on the player's clock.
    pub(super) ticks: i64,
    pub(super) moments: Range<u64>,
}

/// A frame that is shown, and when.
#[derive(Clone, Copy)]
struct Shown {
    ticks: i64,
    sample: u32,
}

/// The wanted frames, in the order they are shown.
pub(super) fn choose(index: &Index, options: &Options) -> Result<Vec<Chosen>, IndexUnusable> {
    let shown = shown(index)?;
    let Some(last) = shown.last() else {
        return Err(IndexUnusable::NoVideo);
    };
    let gap = match shown[..] {
        [.., before, last] => last.ticks - before.ticks,
        _ => 1,
    };
    let file_end = i128::from(index.duration_ms) * i128::from(index.timescale) / 1000;
    let file_end = i64::try_from(file_end).ok().filter(|&end| end > 0);
    let end = end_of_last(last.ticks, gap, file_end, index.timescale);
    let is_key = |frame: &&Shown| {
        let sample = index.samples.get(frame.sample as usize);
        sample.is_some_and(Sample::sync)
    };
    let frames: Vec<_> = match options.mode {
        Mode::Exact => shown.iter().collect(),
        Mode::Keyframe => shown.iter().filter(is_key).collect(),
    };
    let mut screen = OnScreen::new(Moments::new(options), index.timescale);
    let ends = frames.iter().skip(1).map(|next| next.ticks).chain([end]);
    let chosen = frames.iter().zip(ends).map(|(frame, end)| Chosen {
        sample: frame.sample,
        ticks: frame.ticks,
        moments: screen.until(end),
    });
    Ok(chosen.filter(|chosen| !chosen.moments.is_empty()).collect())
}

/// The frames that are shown, in the order of their time.
fn shown(index: &Index) -> Result<Vec<Shown>, IndexUnusable> {
    let mut shown = Vec::with_capacity(index.samples.len());
    for (sample, number) in index.samples.iter().zip(0_u32..) {
        let pts = sample.pts();
        if sample.dts.abs() > MAX_TICKS {
            return Err(IndexUnusable::inconsistent("stts"));
        }
        // Empty samples stand for "no new frame".
        let has_frame = sample.size() > 0 && !sample.is_hidden();
        if index.presentation_range.contains(pts) && has_frame {
            shown.push(Shown {
                ticks: pts.saturating_add(index.clock_offset),
                sample: number,
            });
        }
    }
    shown.sort_unstable_by_key(|frame| frame.ticks);
    // Which of two frames is shown first is then not said; and mostly all times are wrong.
    if shown.windows(2).any(|pair| pair[0].ticks == pair[1].ticks) {
        return Err(IndexUnusable::inconsistent("times of frames"));
    }
    Ok(shown)
}
