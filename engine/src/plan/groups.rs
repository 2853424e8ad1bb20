//! What must be decoded for the wanted frames.

use super::Group;
use super::targets::Chosen;
use crate::index::{Index, Sample, Unfit};

/// The samples that `targets` depend on, as groups in decoding order.
///
/// A target depends on nothing before the last sync sample that is both decoded and shown no
/// later than itself, and on nothing that is decoded after itself. Frames between the two in
/// decoding order may all be needed; which of them are not is seen in their bytes only.
pub(super) fn gather(index: &Index, targets: &[Chosen]) -> Result<Vec<Group>, Unfit> {
    let syncs = syncs(index);
    let mut groups: Vec<Group> = Vec::new();
    for (target, number) in targets.iter().zip(0_u32..) {
        let start = start(index, &syncs, target.sample)?;
        let end = target.sample + 1;
        match groups.last_mut() {
            Some(group) if start < group.samples.start => return Err(Unfit::OutOfOrder),
            Some(group) if start <= group.samples.end => {
                group.samples.end = group.samples.end.max(end);
                group.targets.end = number + 1;
            }
            _ => groups.push(Group {
                samples: start..end,
                targets: number..number + 1,
            }),
        }
    }
    Ok(groups)
}

/// The numbers of the samples at which decoding can start.
fn syncs(index: &Index) -> Vec<u32> {
    let numbered = index.samples.iter().zip(0_u32..);
    let syncs = numbered.filter(|(sample, _)| sample.sync());
    syncs.map(|(_, number)| number).collect()
}

/// Where to start decoding for `target`.
fn start(index: &Index, syncs: &[u32], target: u32) -> Result<u32, Unfit> {
    let pts = |number: u32| index.samples.get(number as usize).map(Sample::pts);
    let shown = pts(target);
    let before = &syncs[..syncs.partition_point(|&sync| sync <= target)];
    let found = before.iter().rev().find(|&&sync| pts(sync) <= shown);
    found.copied().ok_or(Unfit::NoKeyframe)
}
