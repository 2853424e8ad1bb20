//! An upload in *parts*: how a long file is divided, and what of it is still missing.

use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;
/// The shortest part that is asked for. S3 wants 5 MiB or more, but for the last.
const MIN_PART_BYTES: u64 = 8 * MIB;
/// Into how many parts a file is divided at most; S3 takes 10,000.
const MAX_PARTS: u64 = 1_000;
/// How many parts an error names.
const MAX_NAMED: usize = 10;

/// What the record keeps of an upload in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadParts {
    /// The object store's name for the upload.
    pub upload_id: String,
    /// Length of every part but the last, in bytes.
    pub part_size: u64,
}

/// How a file is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlan {
    /// Length of the file, in bytes.
    pub size: u64,
    /// Length of every part but the last, in bytes.
    pub part_size: u64,
}

/// A part that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoredPart {
    /// Its number, from 1 on.
    pub part: u32,
    /// Its length, in bytes.
    pub size: u64,
    /// Its entity tag, quotes included as S3 gives it.
    pub etag: String,
}

/// Why a file cannot be put together of its parts, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartsFault {
    /// Some are not there.
    Missing(String),
    /// One has another length than it must have.
    OtherSize(String),
    /// One is not the one that its sender names.
    Changed(String),
}

/// A part as its sender knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedPart {
    /// Its number, from 1 on.
    pub part: u32,
    /// Its entity tag, with or without quotes.
    pub etag: String,
}

impl PartPlan {
    /// The plan for a file of this length.
    #[must_use]
    pub fn new(size: u64) -> Self {
        let part_size = size.div_ceil(MAX_PARTS).next_multiple_of(MIB);
        Self {
            size,
            part_size: part_size.max(MIN_PART_BYTES),
        }
    }

    /// How many parts there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.size.div_ceil(self.part_size.max(1))).unwrap_or(u32::MAX)
    }

    /// Length of a part, in bytes. `None`: there is no part of this number.
    #[must_use]
    pub fn size_of(&self, part: u32) -> Option<u64> {
        if !(1..=self.count()).contains(&part) {
            return None;
        }
        let before = u64::from(part - 1) * self.part_size;
        Some((self.size - before).min(self.part_size))
    }

    /// Why the file cannot be put together, if it cannot: `stored` is what is there, in the order of
    /// its numbers, and `named` what its sender says of it, if anything.
    #[must_use]
    pub fn fault(&self, stored: &[StoredPart], named: &[NamedPart]) -> Option<PartsFault> {
        let find = |part: u32| stored.iter().find(|stored| stored.part == part);
        let missing: Vec<_> = (1..=self.count()).filter(|n| find(*n).is_none()).collect();
        if !missing.is_empty() {
            let (count, all) = (missing.len(), self.count());
            let named = missing.iter().take(MAX_NAMED).map(u32::to_string);
            let named = named.collect::<Vec<_>>().join(", ");
            let more = if count > MAX_NAMED { ", …" } else { "" };
            return Some(PartsFault::Missing(format!(
                "the file has not been uploaded yet: of {all} parts, {count} are missing ({named}{more})"
            )));
        }
        let wrong = stored.iter().find_map(|stored| {
            let (part, size) = (stored.part, stored.size);
            match self.size_of(part) {
                Some(wanted) if wanted == size => None,
                Some(wanted) => Some(format!(
                    "part {part} has {size} bytes, but {wanted} are expected"
                )),
                None => Some(format!("there must be no part {part}")),
            }
        });
        let changed = || {
            let tag = |etag: &str| etag.trim_matches('"').to_owned();
            let is_other = |named: &&NamedPart| {
                find(named.part).is_none_or(|stored| tag(&stored.etag) != tag(&named.etag))
            };
            let other = named.iter().find(is_other)?;
            Some(format!(
                "part {} is not the one that was named: it has changed",
                other.part
            ))
        };
        wrong
            .map(PartsFault::OtherSize)
            .or_else(|| changed().map(PartsFault::Changed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(plan: &PartPlan) -> Vec<StoredPart> {
        (1..=plan.count())
            .map(|part| StoredPart {
                part,
                size: plan.size_of(part).expect("a part"),
                etag: format!("\"e{part}\""),
            })
            .collect()
    }

    #[test]
    fn parts_are_as_long_as_they_must_be_and_together_the_file() {
        for (size, part_mib, count) in [
            (1, 8, 1),
            (64 * MIB + 1, 8, 9),
            (5 * 1024 * MIB, 8, 640),
            (8_000 * MIB, 8, 1_000),
            (8_000 * MIB + 1, 9, 889),
            (5 * 1024 * 1024 * MIB, 5_243, 1_000),
        ] {
            let plan = PartPlan::new(size);
            assert_eq!(
                (plan.part_size, plan.count()),
                (part_mib * MIB, count),
                "{size}"
            );
            let sum: u64 = stored(&plan).iter().map(|part| part.size).sum();
            assert_eq!(sum, size);
            assert_eq!((plan.size_of(0), plan.size_of(count + 1)), (None, None));
        }
    }

    #[test]
    fn what_is_wrong_with_the_parts_is_said() {
        let plan = PartPlan::new(20 * MIB);
        let whole = stored(&plan);
        let named = |part, etag: &str| NamedPart {
            part,
            etag: etag.to_owned(),
        };
        assert_eq!(plan.fault(&whole, &[]), None);
        assert_eq!(
            plan.fault(&whole, &[named(1, "e1"), named(3, "\"e3\"")]),
            None
        );
        let fault = plan.fault(&whole[1..2], &[]).expect("two are missing");
        let missing = "the file has not been uploaded yet: of 3 parts, 2 are missing (1, 3)";
        assert_eq!(fault, PartsFault::Missing(missing.to_owned()));
        let mut short = whole.clone();
        short[1].size = 5;
        assert_eq!(
            plan.fault(&short, &[]),
            Some(PartsFault::OtherSize(
                "part 2 has 5 bytes, but 8388608 are expected".to_owned()
            ))
        );
        let mut more = whole.clone();
        more.push(StoredPart {
            part: 4,
            ..whole[0].clone()
        });
        assert_eq!(
            plan.fault(&more, &[]),
            Some(PartsFault::OtherSize("there must be no part 4".to_owned()))
        );
        assert_eq!(
            plan.fault(&whole, &[named(2, "e9")]),
            Some(PartsFault::Changed(
                "part 2 is not the one that was named: it has changed".to_owned()
            ))
        );
        let many = PartPlan::new(200 * MIB);
        let Some(PartsFault::Missing(fault)) = many.fault(&[], &[]) else {
            panic!("all are missing")
        };
        assert!(
            fault.ends_with("(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …)"),
            "{fault}"
        );
    }
}
