//! Clips made by ffmpeg, and what ffmpeg itself shows of them.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::options::Options;
use tempfile::TempDir;

use super::support::selection;

/// Five seconds of moving pictures at 25 frames a second.
#[derive(Debug)]
pub(crate) struct Clip {
    path: PathBuf,
    _folder: TempDir,
}

impl Clip {
    /// An mp4 encoded with `options`, words separated by blanks.
    pub(crate) fn new(name: &str, options: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(format!("{name}.mp4"));
        let status = Command::new("ffmpeg")
            .args(
                "-v error -nostdin -f lavfi -i testsrc2=size=192x108:rate=25:duration=5".split(' '),
            )
            .args("-pix_fmt yuv420p -threads 1".split(' '))
            .args(options.split(' '))
            .arg(&path)
            .status()
            .expect("ffmpeg runs");
        assert!(status.success(), "ffmpeg encodes with {options}");
        Self {
            path,
            _folder: folder,
        }
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).expect("the clip")
    }
}

/// The hashes of the frames that a full decode with plain ffmpeg gives of the frames on screen.
pub(crate) fn whole(clip: &Clip, options: &Options) -> Vec<String> {
    let select = format!("select={}", selection(&clip.path, options.every));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args("-v error -nostdin -i".split(' '))
        .arg(&clip.path);
    let (frames, complaints) = hashes(ffmpeg, &select, &[]);
    assert_eq!(complaints, "", "{clip:?}");
    frames
}

/// The hashes of the marked frames of a fragmented stream.
pub(crate) fn decode(fresh: bool, input: &[u8]) -> Vec<String> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args("-v error -copyts".split(' '));
    if fresh {
        ffmpeg.args(["-flags2", "+showall"]);
    }
    ffmpeg.args("-f mp4 -i pipe:0".split(' '));
    let (frames, complaints) = hashes(ffmpeg, "select=mod(pts\\,2)", input);
    // Frames shown before a fresh start refer to what is not there.
    assert!(fresh || complaints.is_empty(), "{complaints}");
    frames
}

fn hashes(mut ffmpeg: Command, select: &str, input: &[u8]) -> (Vec<String>, String) {
    let mut child = ffmpeg
        .args(["-map", "0:V:0", "-vf", select])
        .args("-vsync passthrough -f framemd5 -".split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ffmpeg runs");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("ffmpeg ends");
    writer.join().expect("no panic").expect("all is read");
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = String::from_utf8(output.stdout).expect("text");
    let frames = lines.lines().filter(|line| !line.starts_with('#'));
    let hashes = frames.map(|line| line.rsplit(", ").next().expect("a hash").to_owned());
    (hashes.collect(), complaints)
}
