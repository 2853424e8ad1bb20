//! A plan in parts that run apart: each is a plan like any other, and what they give, laid end
//! to end, is what the whole plan gives.

use std::ops::Range;

use super::{Group, Plan, ranges, share};
use crate::index::{Index, Unfit};

impl Plan {
    /// Cuts the plan, made of `index`, into at most `parts` with about as many samples each.
    ///
    /// A part's [`first`](Plan::first) says how many frames come before its own. A group is
    /// never cut: a plan of one group is one part.
    ///
    /// # Errors
    /// When `index` is not the one that the plan was made of.
    pub fn cut(&self, index: &Index, parts: u32) -> Result<Vec<Self>, Unfit> {
        let each = self.samples.div_ceil(u64::from(parts.max(1))).max(1);
        let (mut cut, mut start, mut samples) = (Vec::new(), 0, 0);
        for (at, group) in self.groups.iter().enumerate() {
            samples += group.samples.len() as u64;
            if samples >= each || at + 1 == self.groups.len() {
                cut.push(self.part(index, start..at + 1)?);
                (start, samples) = (at + 1, 0);
            }
        }
        Ok(cut)
    }

    /// The plan for some of the groups only.
    fn part(&self, index: &Index, groups: Range<usize>) -> Result<Self, Unfit> {
        let groups = &self.groups[groups];
        let (Some(head), Some(tail)) = (groups.first(), groups.last()) else {
            return Err(Unfit::NoVideo);
        };
        let targets = head.targets.start..tail.targets.end;
        if index.samples.len() < tail.samples.end as usize {
            return Err(Unfit::OutOfRange);
        }
        let (ranges, _) = ranges::of(index, groups, self.source_bytes)?;
        let planned_bytes = ranges.iter().map(|range| range.end - range.start).sum();
        Ok(Self {
            planned_bytes,
            share: share(planned_bytes, self.source_bytes),
            samples: groups.iter().map(|group| group.samples.len() as u64).sum(),
            first: self.first + targets.start,
            targets: self.targets[targets.start as usize..targets.end as usize].to_vec(),
            groups: groups
                .iter()
                .map(|group| Group {
                    samples: group.samples.clone(),
                    targets: group.targets.start - targets.start..group.targets.end - targets.start,
                })
                .collect(),
            ranges,
            ..self.clone()
        })
    }
}
