//! Plans carried out by plain ffmpeg: the frames must equal those of a full decode, pixel for
//! pixel, for clips made here with every structure that matters.

use super::clips::{Clip, decode, whole};
use super::support::every;
use crate::container::isobmff::{self, Index};
use crate::options::{Mode, Options};
use crate::plan::Plan;
use crate::strategy::indexed::remuxer::{RemuxStep, Remuxer};
use bytes::Bytes;

/// The index of a file in memory.
fn parse(file: &[u8]) -> Index {
    let moov = file.windows(4).rposition(|kind| kind == b"moov");
    let moov = moov.expect("an index") - 4;
    let len = u32::from_be_bytes(file[moov..moov + 4].try_into().expect("four bytes")) as usize;
    let ftyp = Bytes::copy_from_slice(&file[..file[3].into()]);
    let moov = Bytes::copy_from_slice(&file[moov..moov + len]);
    isobmff::parse_index(ftyp, &moov, None, file.len() as u64).expect("an index that can be used")
}

/// The hashes of the frames that carrying out `plan` gives, and how many samples it took.
fn planned(file: &[u8], index: &Index, plan: &Plan) -> (Vec<String>, u64) {
    let mut remuxer = Remuxer::new(index, plan);
    let mut steps = Vec::new();
    for range in &plan.ranges {
        // Pieces of an odd length, so that samples are cut everywhere.
        for at in range.clone().step_by(10_007) {
            let end = range.end.min(at + 10_007);
            let piece =
                &file[usize::try_from(at).expect("fits")..usize::try_from(end).expect("fits")];
            let piece = Bytes::copy_from_slice(piece);
            remuxer.take(at, piece, &mut steps).expect("as planned");
        }
    }
    assert!(remuxer.is_done(), "the ranges hold all samples");
    let mut inputs: Vec<(bool, Vec<u8>)> = Vec::new();
    for step in steps {
        match step {
            RemuxStep::StartDecoder { show_all } => inputs.push((show_all, Vec::new())),
            RemuxStep::Feed(bytes) => inputs.last_mut().expect("started").1.extend(bytes),
        }
    }
    let frames = inputs
        .iter()
        .flat_map(|(show_all, input)| decode(*show_all, input))
        .collect();
    (frames, remuxer.fed())
}

/// Checks all intervals on one clip; returns how many samples the sparsest took of how many.
fn check(clip: &Clip, intervals: &[u64]) -> (u64, u64) {
    let file = clip.bytes();
    let index = parse(&file);
    let mut last = (0, 0);
    for &millis in intervals {
        let options = every(millis);
        let plan = Plan::indexed(&index, file.len() as u64, &options).expect("a plan");
        let (frames, fed) = planned(&file, &index, &plan);
        assert_eq!(frames, whole(clip, &options), "{clip:?} every {millis} ms");
        assert_eq!(frames.len(), plan.targets.len());
        last = (fed, index.samples.len() as u64);
    }
    last
}

#[test]
fn h264_with_b_frames() {
    let clip = Clip::new("b_frames", "-c:v libx264 -g 24 -bf 3");
    let (fed, all) = check(&clip, &[40, 300, 1000, 2500]);
    assert!(fed * 4 < all, "{fed} of {all} samples were fed");
}

#[test]
fn h264_open_gop() {
    let clip = Clip::new(
        "open_gop",
        "-c:v libx264 -g 24 -bf 3 -x264-params open-gop=1",
    );
    check(&clip, &[300, 1000, 2500]);
}

#[test]
fn h264_without_b_frames_and_a_leading_index() {
    let options = "-c:v libx264 -g 25 -bf 0 -movflags +faststart";
    check(&Clip::new("no_b_frames", options), &[300, 1000, 2500]);
}

#[test]
fn h264_with_negative_shifts() {
    let options = "-c:v libx264 -g 24 -bf 2 -movflags +negative_cts_offsets";
    check(&Clip::new("negative", options), &[300, 1000, 2500]);
}

#[test]
fn hevc_open_gop() {
    let options = "-c:v libx265 -tag:v hvc1 -x265-params keyint=24:open-gop=1:log-level=none";
    check(&Clip::new("hevc_open", options), &[300, 1000, 2500]);
}

#[test]
fn vp9() {
    let options = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 24";
    check(&Clip::new("vp9", options), &[300, 1000, 2500]);
}

#[test]
fn mpeg4() {
    check(
        &Clip::new("mpeg4", "-c:v mpeg4 -g 24 -bf 2"),
        &[300, 1000, 2500],
    );
}

#[test]
fn keyframes_only_need_themselves() {
    let clip = Clip::new("keyframes", "-c:v libx264 -g 24 -bf 3");
    let file = clip.bytes();
    let index = parse(&file);
    let options = Options {
        mode: Mode::Keyframe,
        ..every(1000)
    };
    let plan = Plan::indexed(&index, file.len() as u64, &options).expect("a plan");
    let (frames, fed) = planned(&file, &index, &plan);
    assert_eq!(frames.len(), plan.targets.len());
    assert_eq!(fed, plan.targets.len() as u64);
    let all = whole(&clip, &every(1));
    for (frame, target) in frames.iter().zip(&plan.targets) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few seconds"
        )]
        let number = (target.seconds * 25.0).round() as usize;
        assert_eq!(*frame, all[number], "the keyframe at {}", target.seconds);
    }
}
