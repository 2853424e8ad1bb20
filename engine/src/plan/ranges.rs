//! Which bytes to fetch.

use std::ops::Range;

use super::{Group, share};
use crate::index::{Index, Unfit};

/// Two ranges with no more than this between them are fetched as one: 64 KiB cost less than a
/// request.
pub const MAX_GAP: u64 = 64 << 10;

/// The largest sample that is held in memory, in bytes: some ten times a frame of 8K `ProRes`.
const MAX_SAMPLE: u32 = 64 << 20;

/// Above this share of the file all of it is read in one sweep.
const SWEEP: f64 = 0.75;

/// The bytes of `groups`, ascending, and whether they are read in one sweep.
///
/// Samples must lie in the file in the order of decoding, as all writers lay them: fetched from
/// front to back, each is there when the decoder needs it.
pub(super) fn of(
    index: &Index,
    groups: &[Group],
    source_bytes: u64,
) -> Result<(Vec<Range<u64>>, bool), Unfit> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for group in groups {
        for sample in &index.samples[group.samples.start as usize..group.samples.end as usize] {
            if sample.size() > MAX_SAMPLE {
                return Err(Unfit::TooLarge);
            }
            match ranges.last_mut() {
                Some(last) if sample.offset < last.end => return Err(Unfit::OutOfOrder),
                Some(last) if sample.offset - last.end <= MAX_GAP => last.end = sample.end(),
                _ => ranges.push(sample.offset..sample.end()),
            }
        }
    }
    let bytes = ranges.iter().map(|range| range.end - range.start).sum();
    let swept = share(bytes, source_bytes) > SWEEP;
    if swept && let (Some(first), Some(last)) = (ranges.first(), ranges.last()) {
        let sweep = first.start..last.end;
        ranges = Vec::from([sweep]);
    }
    Ok((ranges, swept))
}
