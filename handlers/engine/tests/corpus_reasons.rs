//! Every real video gives frames, or a reason that holds: plain ffmpeg shows nothing of it either.
//!
//! Runs where `FOTOGRAMA_CORPUS` names a folder of videos; says so where it does not.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fotograma_engine::{ExtractError, OnDamage, Options, Reason};
use support::{Memory, run};

fn videos(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            videos(&path, into);
        } else if path.extension().is_some_and(|extension| extension != "tsv") {
            into.push(path);
        }
    }
    into.sort();
}

/// Whether plain ffmpeg, without any of the engine's guards, shows a frame of `path`.
fn shows_a_frame(path: &Path) -> bool {
    let output = Command::new("ffmpeg")
        .args(["-v", "quiet", "-nostdin", "-i"])
        .arg(path)
        .args(["-map", "0:V:0", "-frames:v", "1", "-f", "rawvideo", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    !output.stdout.is_empty()
}

#[tokio::test]
async fn each_gives_frames_or_a_reason_that_holds() {
    let Some(corpus) = std::env::var_os("FOTOGRAMA_CORPUS") else {
        eprintln!("not run: FOTOGRAMA_CORPUS names no folder of videos");
        return;
    };
    let mut paths = Vec::new();
    videos(corpus.as_ref(), &mut paths);
    assert!(!paths.is_empty(), "the corpus is empty");
    let options = Options {
        every: Duration::from_secs(20),
        damaged: OnDamage::Keep,
        ..Options::default()
    };
    let (mut ends, mut wrong) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for path in &paths {
        let name = path
            .strip_prefix(&corpus)
            .unwrap_or(path)
            .display()
            .to_string();
        let end = match run(Memory::of(path), &options).await.0 {
            Ok(done) if done.frames == 0 => panic!("{name}: a zip without frames"),
            Ok(done) if done.damaged.is_some() => "frames, and damaged".to_owned(),
            Ok(_) => "frames".to_owned(),
            Err(ExtractError::Video(reason)) => {
                if reason != Reason::Encrypted && shows_a_frame(path) {
                    wrong.push(format!("{name}: {reason}"));
                }
                reason.code().to_owned()
            }
            Err(other) => panic!("{name}: {other:?}"),
        };
        eprintln!("{name}: {end}");
        ends.entry(end).or_default().push(name);
    }
    for (end, names) in &ends {
        println!("{:5} {end}: {}", names.len(), names.join(", "));
    }
    assert_eq!(
        wrong,
        Vec::<String>::new(),
        "refused, though ffmpeg shows frames"
    );
}
