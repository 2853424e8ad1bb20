//! Extraction by the index, from a source that is no local file, and what happens when the
//! index lies.

mod support;

use std::num::NonZeroUsize;
use std::time::Duration;

use fotograma_engine::{
    Ffmpeg, IgnoreProgress, Mode, OnDamage, Options, Strategy, StrategyReason, extract,
};
use support::{Kept, Memory, clip, entries, every, folder, make, run, same_as_whole, seconds_in};

const H264: &str = "-c:v libx264 -g 25 -bf 2 -threads 1";

fn position(file: &[u8], kind: [u8; 4]) -> usize {
    let found = file.windows(4).rposition(|window| *window == kind);
    found.expect("the box is there")
}

#[tokio::test]
async fn only_a_part_is_read_in_few_requests() {
    let folder = folder();
    let path = clip(&folder, "long.mp4", 30, &format!("{H264} -b:v 2M"));
    let bytes = std::fs::read(&path).expect("the clip");
    let done = same_as_whole(&path, bytes, &every(7300)).await;
    assert_eq!(done.strategy, Strategy::Indexed);
    assert_eq!(done.strategy_reason, StrategyReason::Sparse);
    assert!(done.bytes_read * 4 < done.source_bytes, "{done:?}");
    assert!(done.requests <= done.frames + 3, "{done:?}");
}

#[tokio::test]
async fn the_sweep_takes_one_pass() {
    let folder = folder();
    let path = clip(&folder, "sweep.mp4", 8, H264);
    let bytes = std::fs::read(&path).expect("the clip");
    let done = same_as_whole(&path, bytes, &every(200)).await;
    assert_eq!(
        (done.strategy, done.strategy_reason),
        (Strategy::Indexed, StrategyReason::Sweep)
    );
    assert!(done.bytes_read <= done.source_bytes + (64 << 10));
}

#[tokio::test]
async fn every_decoder_of_an_open_gop_gives_its_frames() {
    let folder = folder();
    let words = "-c:v libx264 -g 25 -bf 3 -threads 1 -x264-params open-gop=1";
    let path = clip(&folder, "open.mp4", 8, words);
    let bytes = std::fs::read(&path).expect("the clip");
    let done = same_as_whole(&path, bytes, &every(2300)).await;
    assert_eq!(done.strategy, Strategy::Indexed);
}

#[tokio::test]
async fn all_processors_give_the_same_bytes_as_one() {
    let folder = folder();
    let second = folder.path().join("second.mp4");
    let pictures = "-f lavfi -i testsrc2=size=1920x1080:rate=25:duration=1 -pix_fmt yuv420p";
    let words = "-c:v libx264 -preset ultrafast -bf 2 -g 25";
    make(&second, &format!("{pictures} {words}"));
    // As much as two parts.
    for name in ["a.mp4", "a.mkv"] {
        let path = folder.path().join(name);
        let words = format!("-stream_loop 75 -i {} -c copy", second.display());
        make(&path, &words);
        let mut zips = Vec::new();
        for threads in [1, 2, 3] {
            let ffmpeg = Ffmpeg {
                threads: NonZeroUsize::new(threads).expect("some"),
                ..support::ffmpeg().await
            };
            let kept = Kept::default();
            let (source, sink) = (Memory::of(&path), Box::new(kept.clone()));
            let done = extract(&ffmpeg, source, sink, &every(1300), &IgnoreProgress).await;
            let done = done.expect("frames");
            assert_eq!(done.strategy, Strategy::Indexed, "{name}");
            assert_eq!(done.moments, 59, "{name}");
            zips.push(kept.bytes());
        }
        assert!(
            zips[0] == zips[1] && zips[0] == zips[2],
            "other bytes: {name}"
        );
    }
}

#[tokio::test]
async fn a_keyframe_stands_for_each_interval() {
    let folder = folder();
    let path = clip(&folder, "keyframes.mp4", 10, H264);
    let options = Options {
        mode: Mode::Keyframe,
        ..every(2500)
    };
    let (done, kept) = run(Memory::of(&path), &options).await;
    assert_eq!(done.expect("frames").strategy, Strategy::Indexed);
    let table = entries(kept.bytes()).pop().expect("the table").1;
    assert_eq!(seconds_in(&table), ["0.000", "2.000", "5.000", "7.000"]);
}

#[tokio::test]
async fn a_later_start_and_an_end_are_kept_to() {
    let folder = folder();
    let path = clip(&folder, "ends.mp4", 10, H264);
    let options = Options {
        from: Some(Duration::from_millis(3200)),
        to: Some(Duration::from_millis(7200)),
        ..every(1000)
    };
    let (done, kept) = run(Memory::of(&path), &options).await;
    assert_eq!(done.expect("frames").strategy, Strategy::Indexed);
    let table = entries(kept.bytes()).pop().expect("the table").1;
    assert_eq!(seconds_in(&table), ["3.200", "4.200", "5.200", "6.200"]);
}

#[tokio::test]
async fn a_false_keyframe_is_found_out() {
    let folder = folder();
    let path = clip(&folder, "false.mp4", 8, H264);
    let mut bytes = std::fs::read(&path).expect("the clip");
    // The third keyframe is said to be one frame later than it is.
    let entry = position(&bytes, *b"stss") + 12 + 2 * 4;
    bytes[entry + 3] += 1;
    let done = same_as_whole(&path, bytes, &every(2300)).await;
    assert_eq!(done.strategy, Strategy::FullDecode);
    assert_eq!(
        done.strategy_reason.code(),
        "plan_mismatch",
        "{:?}",
        done.strategy_reason
    );
}

#[tokio::test]
async fn false_times_of_decoding_order_are_found_out() {
    let folder = folder();
    let path = clip(&folder, "sizes.mp4", 8, H264);
    let mut bytes = std::fs::read(&path).expect("the clip");
    // Two neighbouring samples' sizes are exchanged: their bytes no longer hold whole units.
    let table = position(&bytes, *b"stsz") + 16;
    let (first, second) = (table + 60 * 4, table + 61 * 4);
    for at in 0..4 {
        bytes.swap(first + at, second + at);
    }
    let whole = folder.path().join("whole.mp4");
    std::fs::write(&whole, &bytes).expect("written");
    let keep = Options {
        damaged: OnDamage::Keep,
        ..every(300)
    };
    let done = same_as_whole(&whole, bytes, &keep).await;
    assert!(done.damaged.is_some(), "the decoder complains");
    assert_eq!(done.strategy, Strategy::FullDecode);
    assert_eq!(
        done.strategy_reason.code(),
        "plan_mismatch",
        "{:?}",
        done.strategy_reason
    );
}

#[tokio::test]
async fn an_index_that_contradicts_itself_is_not_used() {
    let folder = folder();
    let path = clip(&folder, "contradiction.mp4", 3, H264);
    let mut bytes = std::fs::read(&path).expect("the clip");
    let entry = position(&bytes, *b"ctts") + 12;
    bytes[entry + 3] += 1;
    let whole = folder.path().join("whole.mp4");
    std::fs::write(&whole, &bytes).expect("written");
    let done = same_as_whole(&whole, bytes, &every(1000)).await;
    assert_eq!(done.strategy, Strategy::FullDecode);
}
