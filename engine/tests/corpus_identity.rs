//! Every real video, at three intervals: the frames must be those of a full decode with the
//! timestamp filter, byte for byte, whichever strategy was taken.
//!
//! Runs where `FOTOGRAMA_CORPUS` names a folder of videos; says so where it does not.

mod corpus;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use corpus::corpus;
use fotograma_engine::{FileSource, OnDamage, Options, Strategy};
use futures::{StreamExt, stream};
use support::{entries, run, selection};

/// Intervals in milliseconds: below, around and above the usual distance of keyframes.
const INTERVALS: [u64; 3] = [300, 2000, 10_000];

/// Seconds of each video that are compared: one of them has six minutes of 4K.
const SECONDS: u64 = 21;

/// How it is told that a video gave nothing.
const NONE: &str = "no frames";

/// Videos compared at a time.
const AT_ONCE: usize = 2;

fn options(every: u64) -> Options {
    Options {
        every: Duration::from_millis(every),
        to: Some(Duration::from_secs(SECONDS)),
        damaged: OnDamage::Keep,
        ..Options::default()
    }
}

/// The images that a full decode in so many threads gives, end to end.
async fn full_decode(path: &Path, every: u64, threads: u8) -> Vec<u8> {
    let wanted = selection(Duration::from_millis(every));
    let select = format!("select=lt(t-start_t\\,{SECONDS})*({wanted})");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args("-v quiet -nostdin -threads".split(' '))
        .args([&threads.to_string(), "-t", &(SECONDS + 2).to_string(), "-i"])
        .arg(path)
        .args(["-map", "0:V:0", "-vf", &select])
        .args("-fps_mode passthrough -c:v mjpeg -threads 1 -q:v 3 -huffman optimal".split(' '))
        .args("-f image2pipe -".split(' '))
        .stdin(Stdio::null());
    let output = tokio::process::Command::from(ffmpeg).output().await;
    output.expect("ffmpeg is installed").stdout
}

/// Whether `path` is an mp4 of H.264 with more than one keyframe: what is to be read by its index.
fn has_keyframes(path: &Path) -> bool {
    let entries = "format=format_name:stream=codec_name:packet=flags";
    let output = Command::new("ffprobe")
        .args("-v quiet -select_streams V:0 -of csv=nokey=1 -show_entries".split(' '))
        .arg(entries)
        .arg(path)
        .output();
    let output = output.expect("ffprobe is installed").stdout;
    let output = String::from_utf8_lossy(&output);
    let lines = || output.lines();
    lines().any(|line| line.starts_with("stream,h264"))
        && lines().any(|line| line.starts_with("format,") && line.contains("mp4"))
        && lines().filter(|line| line.starts_with("packet,K")).count() > 1
}

/// What became of one video at one interval: the way it was read, and whether its frames differ.
async fn compare(path: &Path, every: u64) -> (String, bool) {
    let source = FileSource::open(path).await.expect("it can be opened");
    let (done, kept) = run(Arc::new(source), &options(every)).await;
    let done = match done {
        Ok(done) => done,
        Err(error) => return (format!("{NONE}: {error}"), false),
    };
    let way = format!("{:?}: {}", done.strategy, done.strategy_reason);
    // Reading the whole is what the reference does: once is enough.
    if done.strategy == Strategy::FullDecode && every != INTERVALS[0] {
        return (way, false);
    }
    let entries = entries(kept.bytes()).into_iter();
    let images = entries.filter(|(name, _)| name != "frames.csv");
    let images: Vec<u8> = images.flat_map(|(_, image)| image).collect();
    let decoded = full_decode(path, every, 2).await;
    if images == decoded || decoded == full_decode(path, every, 1).await {
        return (way, images != decoded);
    }
    // Out of some broken streams ffmpeg itself makes other pictures with other threads.
    (
        format!("{way}, and ffmpeg does not agree with itself"),
        false,
    )
}

#[tokio::test]
async fn frames_equal_those_of_a_full_decode() {
    let Some(paths) = corpus() else { return };
    let cases = paths
        .iter()
        .flat_map(|path| INTERVALS.map(|every| (path, every)));
    let compared = stream::iter(cases)
        .map(|(path, every)| async move { (path, every, compare(path, every).await) })
        .buffered(AT_ONCE);
    tokio::pin!(compared);
    let (mut ways, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    let (mut h264, mut indexed) = (0, 0);
    while let Some((path, every, (way, differs))) = compared.next().await {
        let case = format!("{} every {every} ms", path.display());
        eprintln!("{case}: {way}");
        if every == INTERVALS[0] && !way.starts_with(NONE) && has_keyframes(path) {
            h264 += 1;
            indexed += usize::from(way.starts_with("Indexed"));
        }
        *ways.entry(way).or_default() += 1;
        wrong.extend(differs.then_some(case));
    }
    for (way, count) in &ways {
        println!("{count:5} {way}");
    }
    println!("of H.264 in mp4 with more than one keyframe: {indexed} of {h264} indexed");
    assert_eq!(wrong, Vec::<String>::new(), "frames that differ");
}
