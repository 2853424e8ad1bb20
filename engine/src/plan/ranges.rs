//! Which bytes to fetch.

use std::ops::Range;

use super::gop_runs::GopRun;
use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::Index;

/// Two ranges with no more than this between them are fetched as one: 64 KiB cost less than a
/// request.
const MAX_GAP: u64 = 64 << 10;

/// The largest sample that is held in memory, in bytes: some ten times a frame of 8K `ProRes`.
const MAX_SAMPLE: u32 = 64 << 20;

/// Above this share of the file all of it is read in one sweep.
const SWEEP: f64 = 0.75;

/// The bytes of `gop_runs`, ascending, and whether they are read in one sweep.
///
/// Samples must lie in the file in the order of decoding, as all writers lay them: fetched from
/// front to back, each is there when the decoder needs it.
pub(super) fn byte_ranges(
    index: &Index,
    gop_runs: &[GopRun],
    source_bytes: u64,
) -> Result<(Vec<Range<u64>>, bool), IndexUnusable> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for gop_run in gop_runs {
        for sample in &index.samples[gop_run.samples.start as usize..gop_run.samples.end as usize] {
            if sample.size() > MAX_SAMPLE {
                return Err(IndexUnusable::TooLarge);
            }
            match ranges.last_mut() {
                Some(last) if sample.offset < last.end => return Err(IndexUnusable::OutOfOrder),
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

/// `part` of `whole`, from 0 to 1.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share is said to three digits"
)]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
