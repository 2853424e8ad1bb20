//! Real indexes with bytes changed: whatever comes of it is refused or holds together.

use std::time::Duration;

use super::support::{clip, folder};
use crate::container::isobmff::parse_index;
use crate::options::Options;
use crate::plan::Plan;
use crate::strategy::indexed::remuxer::Remuxer;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Changes of a few bytes: where, as a part of the whole, and to what.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    let byte = prop_oneof![Just(0), Just(0xFF), any::<u8>()];
    prop::collection::vec((any::<prop::sample::Index>(), byte), 1..6)
}

/// The place of `moov` in a file.
fn moov(file: &[u8]) -> std::ops::Range<usize> {
    let kind = file.windows(4).rposition(|kind| kind == b"moov");
    let start = kind.expect("an index") - 4;
    let len = u32::from_be_bytes(file[start..start + 4].try_into().expect("four bytes"));
    start..start + len as usize
}

/// Reads a changed file by its index, as far as that goes; returns whether it went to the end.
fn read(file: &[u8], moov: &[u8]) -> Result<bool, TestCaseError> {
    let len = file.len() as u64;
    let Ok(index) = parse_index(Bytes::new(), &Bytes::copy_from_slice(moov), None, len) else {
        return Ok(false);
    };
    prop_assert!(index.samples.len() <= file.len());
    prop_assert!(index.samples.iter().all(|sample| sample.end() <= len));
    let options = Options {
        every: Duration::from_millis(700),
        ..Options::default()
    };
    let Ok(plan) = Plan::indexed(&index, len, &options) else {
        return Ok(false);
    };
    let mut remuxer = Remuxer::new(&index, &plan);
    let mut steps = Vec::new();
    for range in &plan.ranges {
        let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
        let piece = &file[start.expect("it fits")..end.expect("it fits")];
        let piece = Bytes::copy_from_slice(piece);
        if remuxer.take(range.start, piece, &mut steps).is_err() {
            return Ok(false);
        }
    }
    Ok(remuxer.is_done())
}

#[test]
fn changed_indexes_are_refused_or_hold() {
    let folder = folder();
    let words = "-c:v libx264 -g 25 -bf 2 -threads 1";
    let h264 = clip(&folder, "h264.mp4", 4, words);
    let words = "-c:v libx265 -tag:v hvc1 -x265-params keyint=25:log-level=none";
    let hevc = clip(&folder, "hevc.mp4", 4, words);
    for path in [h264, hevc] {
        let file = std::fs::read(path).expect("the clip");
        let moov = &file[moov(&file)];
        let mut runner = TestRunner::new(Config {
            failure_persistence: None,
            ..Config::default()
        });
        let held = std::cell::Cell::new(0);
        let whole = read(&file, moov).expect("no contradiction");
        assert!(whole, "unchanged, it is read to the end");
        runner
            .run(&changes(), |changes| {
                let mut changed = moov.to_vec();
                for (at, byte) in changes {
                    let at = at.index(changed.len());
                    changed[at] = byte;
                }
                held.set(held.get() + i32::from(read(&file, &changed)?));
                Ok(())
            })
            .expect("every change is refused or holds");
        assert!(held.get() > 0, "some changes are harmless");
    }
}
