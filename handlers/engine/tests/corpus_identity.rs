//! Every real video, at three intervals: the frames must be those of a full decode with the
//! timestamp filter, byte for byte, whichever strategy was taken.
//!
//! Runs where `FOTOGRAMA_CORPUS` names a folder of videos; says so where it does not.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fotograma_engine::{FileSource, OnDamage, Options, Strategy};
use futures::{StreamExt, stream};
use support::{entries, run, selection};

/// Intervals in milliseconds: below, around and above the usual distance of keyframes.
const INTERVALS: [u64; 3] = [300, 2000, 10_000];

/// Seconds of each video that are compared: one of them has six minutes of 4K.
const SECONDS: u64 = 21;

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

/// The images that a full decode gives, end to end.
async fn full_decode(path: &Path, every: u64) -> Vec<u8> {
    let wanted = selection(Duration::from_millis(every));
    let select = format!("select=lt(t-start_t\\,{SECONDS})*({wanted})");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args("-v quiet -nostdin -threads 2 -t".split(' '))
        .args([&(SECONDS + 2).to_string(), "-i"])
        .arg(path)
        .args(["-map", "0:V:0", "-vf", &select])
        .args("-fps_mode passthrough -c:v mjpeg -threads 1 -q:v 3 -huffman optimal".split(' '))
        .args("-f image2pipe -".split(' '))
        .stdin(Stdio::null());
    let output = tokio::process::Command::from(ffmpeg).output().await;
    output.expect("ffmpeg is installed").stdout
}

fn videos(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            videos(&path, into);
        } else if path.extension().is_some_and(|extension| extension != "tsv") {
            into.push(path);
        }
    }
    into.sort();
}

/// What became of one video at one interval: the way it was read, and whether its frames differ.
async fn compare(path: &Path, every: u64) -> (String, bool) {
    let source = FileSource::open(path).await.expect("it can be opened");
    let (done, kept) = run(Arc::new(source), &options(every)).await;
    let done = match done {
        Ok(done) => done,
        Err(error) => return (format!("no frames: {error}"), false),
    };
    let way = format!("{:?}: {}", done.strategy, done.because);
    // Reading the whole is what the reference does: once is enough.
    if done.strategy == Strategy::Whole && every != INTERVALS[0] {
        return (way, false);
    }
    let entries = entries(kept.bytes()).into_iter();
    let images = entries.filter(|(name, _)| name != "frames.csv");
    let images: Vec<u8> = images.flat_map(|(_, image)| image).collect();
    (way, images != full_decode(path, every).await)
}

#[tokio::test]
async fn frames_equal_those_of_a_full_decode() {
    let Some(corpus) = std::env::var_os("FOTOGRAMA_CORPUS") else {
        eprintln!("not run: FOTOGRAMA_CORPUS names no folder of videos");
        return;
    };
    let mut paths = Vec::new();
    videos(corpus.as_ref(), &mut paths);
    assert!(!paths.is_empty(), "the corpus is empty");
    let cases = paths
        .iter()
        .flat_map(|path| INTERVALS.map(|every| (path, every)));
    let compared = stream::iter(cases)
        .map(|(path, every)| async move { (path, every, compare(path, every).await) })
        .buffered(AT_ONCE);
    tokio::pin!(compared);
    let (mut ways, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    while let Some((path, every, (way, differs))) = compared.next().await {
        let case = format!("{} every {every} ms", path.display());
        eprintln!("{case}: {way}");
        *ways.entry(way).or_default() += 1;
        wrong.extend(differs.then_some(case));
    }
    for (way, count) in &ways {
        println!("{count:5} {way}");
    }
    assert_eq!(wrong, Vec::<String>::new(), "frames that differ");
}
