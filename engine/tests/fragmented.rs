//! Fragmented mp4s: read by their index where there is one, with the frames of a full decode.

mod support;

use std::path::Path;

use fotograma_engine::{ExtractError, Mode, Options, Reason, Strategy, StrategyReason};
use support::{Memory, clip, entries, every, folder, make, run, same_as_whole};
use tempfile::TempDir;

const H264: &str = "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0";

/// A clip with sound, in fragments as `words` say.
fn fragmented(folder: &TempDir, name: &str, coding: &str, words: &str) -> std::path::PathBuf {
    let whole = clip(folder, &format!("whole-{name}"), 12, coding);
    let path = folder.path().join(name);
    let sound = "-f lavfi -i sine=duration=12 -map 0 -map 1 -c:v copy -c:a aac";
    make(&path, &format!("-i {} {sound} {words}", whole.display()));
    path
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("the clip")
}

#[tokio::test]
async fn each_kind_of_index_is_used() {
    let folder = folder();
    let open = format!("{H264} -x264-params open-gop=1");
    let hevc = "-c:v libx265 -tag:v hvc1 -x265-params keyint=25:open-gop=1:log-level=none";
    for (name, coding, words) in [
        // What ffmpeg writes unless it is told not to: the first frames in moov, an mfra.
        ("mfra.mp4", H264, "-movflags frag_keyframe"),
        ("empty.mp4", H264, "-movflags frag_keyframe+empty_moov"),
        // With an edit list, as moov is written when the first frames are known.
        ("edits.mp4", H264, "-movflags frag_keyframe+delay_moov"),
        ("sidx.mp4", H264, "-movflags cmaf+global_sidx+skip_trailer"),
        (
            "both.mp4",
            H264,
            "-movflags frag_keyframe+default_base_moof+empty_moov+global_sidx",
        ),
        (
            "negative.mp4",
            H264,
            "-movflags frag_keyframe+empty_moov+negative_cts_offsets",
        ),
        // Fragments that begin between keyframes.
        ("between.mp4", H264, "-frag_duration 700000"),
        ("open.mp4", &open, "-movflags frag_keyframe"),
        ("hevc.mp4", hevc, "-movflags frag_keyframe"),
    ] {
        let path = fragmented(&folder, name, coding, words);
        for millis in [300, 2700] {
            let done = same_as_whole(&path, bytes(&path), &every(millis)).await;
            let told = format!("{name}: {:?}", done.strategy_reason);
            assert_eq!(done.strategy, Strategy::Indexed, "{told}");
        }
    }
}

#[tokio::test]
async fn a_part_is_read_and_one_request_a_fragment_made() {
    let folder = folder();
    let path = fragmented(
        &folder,
        "a.mp4",
        &format!("{H264} -b:v 3M"),
        "-movflags frag_keyframe",
    );
    let done = same_as_whole(&path, bytes(&path), &every(4080)).await;
    assert_eq!(done.strategy_reason, StrategyReason::Sparse);
    assert!(done.bytes_read * 3 < done.source_bytes, "{done:?}");
    // Twelve fragments; the file's beginning, the trailer and its length.
    assert!(done.requests <= done.frames + 12 + 3, "{done:?}");
}

#[tokio::test]
async fn keyframes_are_those_of_a_file_in_one_piece() {
    let folder = folder();
    let path = fragmented(&folder, "a.mp4", H264, "-movflags frag_keyframe");
    let options = Options {
        mode: Mode::Keyframe,
        ..every(2700)
    };
    let mut zips = Vec::new();
    for path in [path, folder.path().join("whole-a.mp4")] {
        let (done, kept) = run(Memory::of(&path), &options).await;
        assert_eq!(done.expect("frames").strategy, Strategy::Indexed);
        let mut found = entries(kept.bytes());
        // Without an edit list, all times are those of the first frame later.
        found.pop();
        zips.push(found);
    }
    assert!(zips[0] == zips[1], "other keyframes");
}

#[tokio::test]
async fn without_an_index_one_fragment_leads_to_the_next() {
    let folder = folder();
    for (name, words) in [
        // As it is written to a pipe, or by a recorder.
        ("piped.mp4", "-movflags frag_keyframe+skip_trailer"),
        // As segments of a stream laid end to end: each has an index of itself.
        ("dash.mp4", "-movflags dash+frag_keyframe+skip_trailer"),
    ] {
        let path = fragmented(&folder, name, &format!("{H264} -b:v 3M"), words);
        let done = same_as_whole(&path, bytes(&path), &every(4080)).await;
        assert_eq!(done.strategy_reason, StrategyReason::Sparse, "{name}");
        assert!(done.bytes_read * 3 < done.source_bytes, "{name}: {done:?}");
        // Twelve fragments; the file's beginning, what may be a trailer, and its length.
        assert!(done.requests <= done.frames + 12 + 3, "{name}: {done:?}");
    }
}

#[tokio::test]
async fn a_recording_that_was_cut_off_says_so() {
    let folder = folder();
    let words = "-movflags frag_keyframe+skip_trailer";
    let path = fragmented(&folder, "a.mp4", H264, words);
    let mut cut = bytes(&path);
    cut.truncate(cut.len() * 9 / 10);
    let (done, _) = run(Memory::new(cut), &every(2700)).await;
    let ExtractError::Video(Reason::Damaged { frames, .. }) = done.expect_err("it is cut") else {
        panic!("another reason");
    };
    assert_eq!(frames, 5, "what is there was found");
}

/// ffmpeg shows what `moov` lists earlier than the rest by the lowest shift.
#[tokio::test]
async fn negative_shifts_in_moov_are_left_to_ffmpeg() {
    let folder = folder();
    let words = "-movflags frag_keyframe+negative_cts_offsets";
    let path = fragmented(&folder, "a.mp4", H264, words);
    let done = same_as_whole(&path, bytes(&path), &every(300)).await;
    assert_eq!(done.strategy, Strategy::FullDecode);
}

#[tokio::test]
async fn fragments_of_a_frame_are_too_many() {
    let folder = folder();
    for (name, words) in [
        ("index.mp4", "-movflags frag_every_frame"),
        ("none.mp4", "-movflags frag_every_frame+skip_trailer"),
    ] {
        let path = fragmented(&folder, name, &format!("{H264} -bf 0"), words);
        let done = same_as_whole(&path, bytes(&path), &every(2700)).await;
        assert_eq!(done.strategy, Strategy::FullDecode);
        assert_eq!(done.strategy_reason.code(), "many_fragments", "{name}");
    }
}

/// Each is kept until all have been seen.
#[tokio::test]
async fn headers_that_are_too_large_are_not_kept() {
    const INNER: u32 = 3 << 20;

    let folder = folder();
    let words = "-movflags frag_keyframe+empty_moov+default_base_moof+skip_trailer";
    let path = fragmented(&folder, "a.mp4", H264, words);
    let file = bytes(&path);
    let first = file.windows(4).position(|kind| kind == b"moof");
    let (front, back) = file.split_at(first.expect("a fragment") - 4);
    let mut large = Vec::new();
    for (len, kind) in [(INNER + 8, b"moof"), (INNER, b"free")] {
        large.extend(len.to_be_bytes());
        large.extend(kind);
    }
    large.resize(INNER as usize + 8, 0);
    let file = [front, &large, &large, &large, back].concat();
    let done = same_as_whole(&path, file, &every(2700)).await;
    assert_eq!(done.strategy_reason.code(), "too_large");
}

/// An index that leaves fragments out costs requests, one that points elsewhere is not believed.
#[tokio::test]
async fn an_index_that_lies_gives_the_same_frames() {
    let folder = folder();
    let path = fragmented(&folder, "a.mp4", H264, "-movflags frag_keyframe");
    let good = bytes(&path);
    let tfra = good.windows(4).rposition(|kind| kind == b"tfra");
    // Version and flags, track, lengths, count; then rows of a time, an offset and three numbers.
    let rows = tfra.expect("the table") + 4 + 4 + 4 + 4 + 4;
    let video = good.windows(4).position(|kind| kind == b"tfra");
    assert!(video < tfra, "the sound's table is the last");
    let rows = rows - (tfra.expect("it") - video.expect("it"));
    let row = |number: usize| rows + number * 19..rows + (number + 1) * 19;

    let mut shorter = good.clone();
    shorter.copy_within(row(1), row(2).start);
    let done = same_as_whole(&path, shorter, &every(2700)).await;
    assert_eq!(done.strategy, Strategy::Indexed);

    for wrong in [1_u8, 255] {
        let mut lying = good.clone();
        // The lowest byte of the third fragment's offset.
        lying[row(2).start + 15] ^= wrong;
        let done = same_as_whole(&path, lying, &every(2700)).await;
        assert_eq!(
            done.strategy,
            Strategy::FullDecode,
            "{:?}",
            done.strategy_reason
        );
    }
}
