//! What the fuzz targets call: there in a build with `--cfg fuzzing` only, so that no module has to
//! be public for them.

use bytes::Bytes;

use crate::bitstream::{self, CodecFamily, RandomAccess};
use crate::container::isobmff::write::{FragmentSample, write_fragment_header};
use crate::container::isobmff::{Index, MoovSearch, locate_moov, parse_index};
use crate::options::Options;
use crate::plan::Plan;
use crate::strategy::indexed::remuxer::Remuxer;

/// Looks for `moov` in a file of any bytes, and reads `moov` as any bytes of a file of `file_len`.
pub fn index(data: &[u8], file_len: u64) {
    let file = data.len() as u64;
    let from = |at: u64| &data[usize::try_from(at).unwrap_or(usize::MAX)..];
    let mut at = 0;
    while let Ok(MoovSearch::LookAt(next)) = locate_moov(from(at), at, file) {
        if next <= at || next > file {
            break;
        }
        at = next;
    }
    if let Ok(MoovSearch::Found(range)) = locate_moov(from(at), at, file) {
        assert!(range.start < range.end && range.end <= file);
    }
    let moov = Bytes::copy_from_slice(data);
    if let Ok(index) = parse_index(Bytes::new(), &moov, None, file_len) {
        assert!(index.samples.len() as u64 <= file + file_len);
        assert!(index.samples.iter().all(|sample| sample.end() <= file_len));
    }
}

/// Plans by `moov`, and remuxes a file of `file_len` bytes, all of which are those of `fill` over
/// and over, in pieces of so many bytes.
pub fn plan(moov: Vec<u8>, file_len: u64, options: &Options, piece: u64, fill: &[u8]) {
    let Ok(index) = parse_index(Bytes::new(), &moov.into(), None, file_len) else {
        return;
    };
    let Ok(plan) = Plan::indexed(&index, file_len, options) else {
        return;
    };
    check_plan(&index, &plan, file_len);
    remux(&index, &plan, piece, fill);
}

fn check_plan(index: &Index, plan: &Plan, file_len: u64) {
    for pair in plan.gop_runs.windows(2) {
        assert!(pair[0].samples.end <= pair[1].samples.start);
        assert_eq!(pair[0].targets.end, pair[1].targets.start);
    }
    for pair in plan.ranges.windows(2) {
        assert!(pair[0].end < pair[1].start);
    }
    for run in &plan.gop_runs {
        assert!(index.samples[run.samples.start as usize].sync());
        for target in &plan.targets[run.targets.start as usize..run.targets.end as usize] {
            assert!(run.samples.contains(&target.sample));
        }
    }
    assert!(plan.ranges.iter().all(|range| range.end <= file_len));
}

fn remux(index: &Index, plan: &Plan, piece: u64, fill: &[u8]) {
    let mut remuxer = Remuxer::new(index, plan);
    let mut steps = Vec::new();
    let mut fill = fill.iter().copied().cycle();
    for range in &plan.ranges {
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at + piece);
            let piece: Vec<u8> = (at..end).map(|_| fill.next().unwrap_or(0)).collect();
            if remuxer.take(at, piece.into(), &mut steps).is_err() {
                return;
            }
            at = end;
            steps.clear();
        }
    }
    // A GOP run of empty samples alone has no bytes to wait for.
    let mut samples = plan.gop_runs.iter().flat_map(|run| run.samples.clone());
    if samples.all(|sample| index.samples[sample as usize].size() > 0) {
        assert!(remuxer.is_done());
    }
}

/// Reads a sample of any bytes as one of the codec `family`.
pub fn sample(family: CodecFamily, mut data: Vec<u8>) {
    let access = bitstream::random_access(family, &data);
    let _ = bitstream::is_disposable(family, &data);
    bitstream::mark_broken_link(family, &mut data);
    if access == RandomAccess::Cra {
        assert_eq!(bitstream::random_access(family, &data), RandomAccess::Idr);
    }
}

/// Writes the header of a fragment of any samples: size, ticks after the one before, composition
/// offset, and whether decoding can start there.
pub fn fragment(samples: &[(u16, u32, i32, bool)]) {
    let mut dts = 0_i64;
    let samples: Vec<_> = samples
        .iter()
        .map(|&(size, later, composition_offset, sync)| {
            dts += i64::from(later);
            FragmentSample {
                size: size.into(),
                dts,
                pts: dts + i64::from(composition_offset),
                sync,
            }
        })
        .collect();
    assert!(write_fragment_header(1, 1, &samples).ends_with(b"mdat"));
}
