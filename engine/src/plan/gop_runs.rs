//! What must be decoded for the wanted frames.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::targets::Chosen;
use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::{Index, Sample};

/// Samples that are decoded one after the other without a gap, beginning where decoding can
/// start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GopRun {
    /// Its samples, in decoding order.
    pub samples: Range<u32>,
    /// Which of the plan's targets it gives.
    pub targets: Range<u32>,
}

/// The samples that `targets` depend on, as GOP runs in decoding order.
///
/// A target depends on nothing before the last sync sample that is both decoded and shown no
/// later than itself, and on nothing that is decoded after itself. Frames between the two in
/// decoding order may all be needed; which of them are not is seen in their bytes only.
pub(super) fn from_targets(
    index: &Index,
    targets: &[Chosen],
) -> Result<Vec<GopRun>, IndexUnusable> {
    let syncs = syncs(index);
    let mut gop_runs: Vec<GopRun> = Vec::new();
    for (target, number) in targets.iter().zip(0_u32..) {
        let start = start(index, &syncs, target.sample)?;
        let end = target.sample + 1;
        let next_cut = index.cuts.partition_point(|&cut| cut <= start);
        if index.cuts.get(next_cut).is_some_and(|&cut| cut < end) {
            return Err(IndexUnusable::OutOfOrder);
        }
        match gop_runs.last_mut() {
            Some(gop_run) if start < gop_run.samples.start => {
                return Err(IndexUnusable::OutOfOrder);
            }
            Some(gop_run)
                if start < gop_run.samples.end
                    || start == gop_run.samples.end && !index.is_cut_before(start) =>
            {
                gop_run.samples.end = gop_run.samples.end.max(end);
                gop_run.targets.end = number + 1;
            }
            _ => gop_runs.push(GopRun {
                samples: start..end,
                targets: number..number + 1,
            }),
        }
    }
    Ok(gop_runs)
}

/// The numbers of the samples at which decoding can start.
fn syncs(index: &Index) -> Vec<u32> {
    let numbered = index.samples.iter().zip(0_u32..);
    let syncs = numbered.filter(|(sample, _)| sample.sync());
    syncs.map(|(_, number)| number).collect()
}

/// Where to start decoding for `target`.
fn start(index: &Index, syncs: &[u32], target: u32) -> Result<u32, IndexUnusable> {
    let pts = |number: u32| index.samples.get(number as usize).map(Sample::pts);
    let shown = pts(target);
    let before = &syncs[..syncs.partition_point(|&sync| sync <= target)];
    let found = before.iter().rev().find(|&&sync| pts(sync) <= shown);
    found.copied().ok_or(IndexUnusable::NoKeyframe)
}
