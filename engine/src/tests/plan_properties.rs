//! What holds of every plan, shown on made-up videos whose dependencies are known.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::bitstream::CodecFamily;
use crate::container::isobmff::{
    Codec, Index, InitBoxes, PresentationRange, Sample, TrackChoice, TrackReason,
};
use crate::options::{Mode, Options};
use crate::plan::{Plan, Target};
use bytes::Bytes;
use proptest::prelude::*;

/// A made-up video: its index, and for each sample those that it refers to.
#[derive(Debug)]
struct Video {
    index: Index,
    refers: Vec<Vec<usize>>,
    len: u64,
}

/// One group of pictures: frames shown before the sync sample, and after it, and for each of
/// these how many of its neighbours in decoding order it refers to.
#[derive(Clone, Debug)]
struct Gop {
    leading: usize,
    /// Sizes of the runs after the sync sample: a run's last frame is decoded first.
    runs: Vec<usize>,
    gap: u64,
    ticks: u32,
}

fn gop() -> impl Strategy<Value = Gop> {
    let runs = prop::collection::vec(1..5_usize, 0..8);
    (0..4_usize, runs, 0..200_000_u64, 1..2000_u32).prop_map(|(leading, runs, gap, ticks)| Gop {
        leading,
        runs,
        gap,
        ticks,
    })
}

/// Lays out `gops`: in decoding order, each with its time shown, its sync mark and references.
fn video(gops: &[Gop]) -> Video {
    // (time shown, sync, refers to, gap before it)
    let mut frames: Vec<(i64, bool, Vec<usize>, u64)> = Vec::new();
    let mut shown = 0_i64;
    // What a later group's leading frames may refer to: not to an earlier group's leading ones.
    let mut anchor = None;
    for (number, gop) in gops.iter().enumerate() {
        // Only a later group can have frames that are shown before its own beginning.
        let leading = if number == 0 { 0 } else { gop.leading };
        let sync = frames.len();
        let ticks = i64::from(gop.ticks);
        frames.push((shown + as_ticks(leading) * ticks, true, Vec::new(), gop.gap));
        for at in 0..leading {
            let refers = anchor.into_iter().chain([sync]).collect();
            frames.push((shown + as_ticks(at) * ticks, false, refers, 0));
        }
        shown += as_ticks(leading + 1) * ticks;
        let mut last_anchor = sync;
        for &run in &gop.runs {
            let last = frames.len();
            frames.push((
                shown + as_ticks(run - 1) * ticks,
                false,
                vec![last_anchor],
                0,
            ));
            for at in 0..run - 1 {
                frames.push((
                    shown + as_ticks(at) * ticks,
                    false,
                    vec![last_anchor, last],
                    0,
                ));
            }
            shown += as_ticks(run) * ticks;
            last_anchor = last;
        }
        anchor = Some(last_anchor);
    }
    let mut offset = 0;
    let mut samples = Vec::new();
    let mut order: Vec<i64> = frames.iter().map(|frame| frame.0).collect();
    order.sort_unstable();
    for ((pts, sync, _, gap), dts) in frames.iter().zip(order) {
        offset += gap;
        let shift = i32::try_from(pts - dts).expect("small");
        samples.push(Sample::new(offset, 1000, dts, shift, *sync));
        offset += 1000;
    }
    Video {
        index: index(samples),
        refers: frames.into_iter().map(|frame| frame.2).collect(),
        len: offset,
    }
}

fn as_ticks(count: usize) -> i64 {
    i64::try_from(count).expect("small")
}

fn index(samples: Vec<Sample>) -> Index {
    Index {
        codec: Codec {
            fourcc: "avc1".into(),
            family: CodecFamily::H264 { length_size: 4 },
        },
        timescale: 1024,
        samples,
        cuts: Vec::new(),
        prefix: Bytes::new(),
        presentation_range: PresentationRange::ALL,
        clock_offset: 0,
        init: InitBoxes {
            ftyp: Bytes::new(),
            mvhd: Bytes::new(),
            track: 1,
            tkhd: Bytes::new(),
            stsd: Bytes::new(),
        },
        track: TrackChoice {
            number: 1,
            of: 1,
            reason: TrackReason::First,
        },
        duration_ms: 0,
    }
}

/// All that a sample depends on, itself included.
fn needs(video: &Video, sample: usize) -> BTreeSet<usize> {
    let mut needed = BTreeSet::new();
    let mut open = vec![sample];
    while let Some(sample) = open.pop() {
        if needed.insert(sample) {
            open.extend(&video.refers[sample]);
        }
    }
    needed
}

fn options(every: u64, from: u64, mode: Mode) -> Options {
    Options {
        every: Duration::from_millis(every),
        from: (from > 0).then(|| Duration::from_millis(from)),
        mode,
        ..Options::default()
    }
}

proptest! {
    #[test]
    fn groups_hold_all_that_their_targets_depend_on(
        gops in prop::collection::vec(gop(), 1..12),
        every in 1..20_000_u64,
        from in 0..5000_u64,
        keyframe: bool,
    ) {
        let video = video(&gops);
        let mode = if keyframe { Mode::Keyframe } else { Mode::Exact };
        let plan = Plan::indexed(&video.index, video.len, &options(every, from, mode))
            .expect("nothing about it is unusual");
        for group in &plan.gop_runs {
            let held = group.samples.start as usize..group.samples.end as usize;
            for target in &plan.targets[group.targets.start as usize..group.targets.end as usize] {
                for needed in needs(&video, target.sample as usize) {
                    prop_assert!(held.contains(&needed), "{needed} for {target:?} in {group:?}");
                }
            }
        }
    }

    #[test]
    fn every_target_and_every_byte_is_in_one_place(
        gops in prop::collection::vec(gop(), 1..12),
        every in 1..20_000_u64,
    ) {
        let video = video(&gops);
        let plan = Plan::indexed(&video.index, video.len, &options(every, 0, Mode::Exact))
            .expect("nothing about it is unusual");
        let mut next = 0;
        for group in &plan.gop_runs {
            prop_assert_eq!(group.targets.start, next);
            next = group.targets.end;
        }
        prop_assert_eq!(next as usize, plan.targets.len());
        for pair in plan.gop_runs.windows(2) {
            prop_assert!(pair[0].samples.end < pair[1].samples.start);
        }
        for pair in plan.ranges.windows(2) {
            prop_assert!(pair[0].end < pair[1].start);
        }
        for group in &plan.gop_runs {
            let samples = group.samples.start as usize..group.samples.end as usize;
            for sample in &video.index.samples[samples] {
                let holds = |range: &&std::ops::Range<u64>| {
                    range.start <= sample.offset && sample.end() <= range.end
                };
                prop_assert_eq!(plan.ranges.iter().filter(holds).count(), 1);
            }
        }
    }

    #[test]
    fn the_frame_on_screen_at_each_moment_is_chosen(
        gops in prop::collection::vec(gop(), 1..12),
        eighths in 1..100_u32,
    ) {
        let video = video(&gops);
        let every = u64::from(eighths) * 125;
        let plan = Plan::indexed(&video.index, video.len, &options(every, 0, Mode::Exact))
            .expect("nothing about it is unusual");
        // Eighths of a second are whole ticks, 1024 of which are a second.
        let interval = i64::from(eighths) * 128;
        let mut times: Vec<i64> = video.index.samples.iter().map(Sample::pts).collect();
        times.sort_unstable();
        let pts = |target: &Target| video.index.samples[target.sample as usize].pts();
        let mut next = 0;
        for target in &plan.targets {
            prop_assert_eq!(target.moments.start, next);
            next = target.moments.end;
            for number in target.moments.clone() {
                let moment = i64::try_from(number).expect("small") * interval;
                let begun = times.partition_point(|&time| time <= moment);
                prop_assert_eq!(pts(target), times[begun.saturating_sub(1)]);
            }
        }
        let last = *times.last().expect("frames");
        prop_assert!(i64::try_from(next).expect("small") * interval > last);
    }
}
