//! Every real video gives frames, or a reason that holds: plain ffmpeg shows nothing of it either.
//!
//! Runs where `FOTOGRAMA_CORPUS` names a folder of videos; says so where it does not.

mod corpus;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use corpus::corpus;
use fotograma_engine::{ExtractError, OnDamage, Options, Reason};
use support::{Memory, run};

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
    let Some(paths) = corpus() else { return };
    let options = Options {
        every: Duration::from_secs(20),
        damaged: OnDamage::Keep,
        ..Options::default()
    };
    let (mut ends, mut wrong) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for path in &paths {
        let name = path.display();
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
        ends.entry(end).or_default().push(name.to_string());
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
