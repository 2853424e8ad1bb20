//! Every real video, at three intervals: each moment has the frame that is on screen then, by the
//! judge's full decode, whichever strategy was taken; or there is a reason, and plain ffmpeg shows
//! nothing either.
//!
//! Runs where `FOTOGRAMA_CORPUS` names a folder of videos; says so where it does not.

mod corpus;
mod judge;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use corpus::corpus;
use fotograma_engine::{ExtractError, OnDamage, Options, Reason};
use judge::Reference;
use judge::compare::differences;
use judge::shots::shots_of_file;

/// Intervals in milliseconds: below, around and above the usual distance of keyframes.
const INTERVALS: [u64; 3] = [370, 1000, 10_000];

/// Seconds of each video that are compared: one of them has six minutes of 4K.
const SECONDS: u32 = 21;

fn options(every: u64) -> Options {
    Options {
        every: Duration::from_millis(every),
        to: Some(Duration::from_secs(SECONDS.into())),
        damaged: OnDamage::Keep,
        ..Options::default()
    }
}

/// How the video ended, and what is wrong with that.
async fn compare(path: &Path, reference: &Reference, every: u64) -> (String, Vec<String>) {
    let options = options(every);
    match shots_of_file(path, &options).await {
        Ok(shots) if reference.frames.is_empty() => {
            let frames = shots.images.len();
            (
                String::new(),
                vec![format!("{frames} pictures, where ffmpeg shows none")],
            )
        }
        Ok(shots) => {
            let damaged = shots.done.damaged.as_ref().map_or("", |_| ", damaged");
            let way = format!("{:?}{damaged}", shots.done.strategy);
            (way, differences(reference, &shots, &options))
        }
        Err(ExtractError::Video(reason)) => {
            let code = reason.code().to_owned();
            let holds = reason == Reason::Encrypted || reference.frames.is_empty();
            (
                code,
                if holds {
                    Vec::new()
                } else {
                    vec![reason.to_string()]
                },
            )
        }
        Err(other) => panic!("{}: {other:?}", path.display()),
    }
}

#[tokio::test]
async fn each_moment_has_the_frame_on_screen_or_there_is_a_reason_that_holds() {
    let Some(paths) = corpus() else { return };
    let (mut ends, mut all_wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    for path in &paths {
        let reference = Reference::of(path, SECONDS + 4);
        for every in INTERVALS {
            let (end, wrong) = compare(path, &reference, every).await;
            let case = format!("{} every {every} ms", path.display());
            eprintln!("{case}: {end}");
            *ends.entry(end).or_default() += 1;
            if let Some(first) = wrong.first() {
                all_wrong.push(format!("{case}: {first} ({} lines)", wrong.len()));
            }
        }
    }
    println!(
        "{} videos, each at {} intervals:",
        paths.len(),
        INTERVALS.len()
    );
    for (end, count) in &ends {
        println!("{count:5} {end}");
    }
    assert_eq!(
        all_wrong,
        Vec::<String>::new(),
        "{} differ",
        all_wrong.len()
    );
}
