//! Clips made by ffmpeg, sources and sinks that behave as told, and an independent zip reader.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file takes its part"
)]

use std::io::{Cursor, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_engine::{
    ExtractError, Extraction, Ffmpeg, IgnoreProgress, Options, Reason, Sink, SinkError, Source,
    SourceError, extract, launch_ffmpeg_by,
};

/// Runs ffmpeg with `words`, separated by blanks, writing `path`.
pub(crate) fn make(path: &Path, words: &str) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(words.split_whitespace())
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg {words}: {complaints}");
}

/// A folder for one test's files.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Moving pictures of `seconds` at 25 frames a second, encoded with `words` as `name`.
pub(crate) fn clip(folder: &tempfile::TempDir, name: &str, seconds: u32, words: &str) -> PathBuf {
    let path = folder.path().join(name);
    let pictures = "testsrc2=size=192x108:rate=25:duration=";
    make(
        &path,
        &format!("-f lavfi -i {pictures}{seconds} -pix_fmt yuv420p {words}"),
    );
    path
}

/// The ffmpeg of this machine, or that which `FOTOGRAMA_FFMPEG` names, confined as in the product.
pub(crate) async fn ffmpeg() -> Ffmpeg {
    let path = std::env::var_os("FOTOGRAMA_FFMPEG");
    find(path.as_ref().map(Path::new)).await
}

/// The ffmpeg at `path`, confined as in the product.
pub(crate) async fn find(path: Option<&Path>) -> Ffmpeg {
    // Unit tests, which use this file too, have no such program.
    if let Some(launcher) = option_env!("CARGO_BIN_EXE_fotograma-confine") {
        launch_ffmpeg_by(Path::new(launcher));
    }
    Ffmpeg::find(path).await.expect("ffmpeg is installed")
}

/// The usual options, with a frame every so many milliseconds.
pub(crate) fn every(millis: u64) -> Options {
    Options {
        every: Duration::from_millis(millis),
        ..Options::default()
    }
}

/// Extracts `bytes` and makes sure that the frames are those of a full decode of `path`.
pub(crate) async fn same_as_whole(path: &Path, bytes: Vec<u8>, options: &Options) -> Extraction {
    let (done, kept) = run(Memory::new(bytes), options).await;
    let done = done.expect("frames");
    let images: Vec<u8> = entries(kept.bytes())
        .into_iter()
        .filter(|(name, _)| name != "frames.csv")
        .flat_map(|(_, image)| image)
        .collect();
    let expected = reference(path, options.every);
    assert!(images == expected, "{done:?}");
    done
}

/// The numbers of the frames that are on screen at a moment, counted in the order in which plain
/// ffmpeg shows them: the last that begins at or before it; before the first, the first.
///
/// The clock is the player's: an mp4 has its own zero, others begin with the first of their streams,
/// and AVI, which knows only the order of frames, with its first picture.
pub(crate) fn on_screen(path: &Path, every: Duration) -> Vec<usize> {
    let name = path.extension().unwrap_or_default().to_string_lossy();
    let copy = matches!(&*name, "mp4" | "mov");
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-nostats"])
        .args(copy.then_some("-copyts"))
        .arg("-i")
        .arg(path)
        .args("-map 0:V:0 -vf settb=1/90000000,showinfo=checksum=0 -f null -".split(' '))
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    let log = String::from_utf8_lossy(&output.stderr);
    let lines = log.lines().filter(|line| line.contains("showinfo"));
    let times = lines.filter_map(|line| line.split_once(" pts:"));
    let mut times: Vec<i128> = times
        .filter_map(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
        .collect();
    if name == "avi" {
        let first = times[0];
        for time in &mut times {
            *time -= first;
        }
    }
    let times = running(&times);
    let end = match times[..] {
        [.., before, last] => last + (last - before),
        _ => times[0] + 1,
    };
    let every = i128::try_from(every.as_millis()).expect("it fits") * 90_000;
    let moments = (0..).map(|number| number * every);
    let mut numbers: Vec<_> = moments
        .take_while(|&moment| moment < end)
        .map(|moment| times.partition_point(|&time| time <= moment))
        .map(|begun| begun.saturating_sub(1))
        .collect();
    numbers.dedup();
    numbers
}

/// Times that never go back: frames that do not follow in time follow at the last distance, or at
/// the one before where that was shorter, until the file's own times have caught up.
fn running(times: &[i128]) -> Vec<i128> {
    let mut out: Vec<i128> = Vec::with_capacity(times.len());
    let (mut distance, mut before, mut behind) = (1, None, false);
    for &time in times {
        let Some(&last) = out.last() else {
            out.push(time);
            continue;
        };
        behind = time <= last || behind && time < last + distance;
        if behind {
            // A damaged time may lie far ahead.
            distance = distance.min(before.unwrap_or(distance));
            out.push(last + distance);
        } else {
            before = Some(before.map_or(time - last, |_| distance));
            distance = time - last;
            out.push(time);
        }
    }
    out
}

/// A filter of plain ffmpeg that takes the frames on screen at a moment.
pub(crate) fn selection(path: &Path, every: Duration) -> String {
    let numbers = on_screen(path, every);
    // Runs of numbers as one term: ffmpeg does not take some hundred.
    let runs = numbers.chunk_by(|a, b| a + 1 == *b);
    let terms: Vec<_> = runs
        .map(|run| format!("between(n\\,{}\\,{})", run[0], run[run.len() - 1]))
        .collect();
    terms.join("+")
}

/// The JPEGs that plain ffmpeg gives for `path` of the frames on screen, end to end.
pub(crate) fn reference(path: &Path, every: Duration) -> Vec<u8> {
    let select = format!("select={},setsar=1", selection(path, every));
    let output = Command::new("ffmpeg")
        .args(["-v", "quiet", "-nostdin", "-threads", "2", "-i"])
        .arg(path)
        .args(["-map", "0:V:0", "-vf", &select])
        .args("-fps_mode passthrough -enc_time_base 1:1000000000 -c:v mjpeg".split(' '))
        .args("-threads 1 -q:v 3 -huffman optimal -f image2pipe -".split(' '))
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    output.stdout
}

/// Bytes in memory, read as if from an object store.
pub(crate) struct Memory(pub(crate) Bytes);

impl Memory {
    pub(crate) fn of(path: &Path) -> Arc<Self> {
        Self::new(std::fs::read(path).expect("a file"))
    }

    pub(crate) fn new(bytes: impl Into<Bytes>) -> Arc<Self> {
        Arc::new(Self(bytes.into()))
    }
}

#[async_trait]
impl Source for Memory {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let index = |at: u64| usize::try_from(at).expect("it fits");
        Ok(self.0.slice(index(range.start)..index(range.end)))
    }
}

/// What became of a zip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    #[default]
    Open,
    Finished,
    Aborted,
}

/// A zip in memory.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<(Vec<u8>, Fate)>>, Arc<tokio::sync::Notify>);

impl Kept {
    pub(crate) fn fate(&self) -> Fate {
        self.0.lock().expect("no panic").1
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("no panic").0.clone()
    }

    /// Waits until something has been written, or the fate is decided.
    pub(crate) async fn changed(&self) {
        self.1.notified().await;
    }

    fn decide(&self, fate: Fate) {
        let was = std::mem::replace(&mut self.0.lock().expect("no panic").1, fate);
        assert_eq!(was, Fate::Open, "a fate is decided once");
        self.1.notify_one();
    }
}

#[async_trait]
impl Sink for Kept {
    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        self.0.lock().expect("no panic").0.extend(bytes);
        self.1.notify_one();
        Ok(())
    }

    async fn restart(&mut self) -> Result<bool, SinkError> {
        self.0.lock().expect("no panic").0.clear();
        Ok(true)
    }

    async fn finish(self: Box<Self>) -> Result<(), SinkError> {
        self.decide(Fate::Finished);
        Ok(())
    }

    async fn abort(self: Box<Self>) {
        self.decide(Fate::Aborted);
    }
}

/// A zip's entries, as a reader that is not ours finds them by the directory. It checks their
/// checksums.
pub(crate) fn entries(zip: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let entries = 0..archive.len();
    let read = |index| {
        let mut entry = archive.by_index(index).expect("an entry");
        let mut data = Vec::new();
        entry.read_to_end(&mut data).expect("its checksum holds");
        (entry.name().expect("UTF-8").into_owned(), data)
    };
    entries.map(read).collect()
}

/// When the frame of each moment begins, as `frames.csv` has it: the second column.
pub(crate) fn seconds_in(table: &[u8]) -> Vec<String> {
    let table = std::str::from_utf8(table).expect("text");
    let rows = table.lines().skip(1);
    rows.map(|row| row.split(',').nth(1).expect("seconds").to_owned())
        .collect()
}

/// Extracts into memory.
pub(crate) async fn run(
    source: Arc<dyn Source>,
    options: &Options,
) -> (Result<Extraction, ExtractError>, Kept) {
    run_by(&ffmpeg().await, source, options).await
}

/// The same, by this ffmpeg.
pub(crate) async fn run_by(
    ffmpeg: &Ffmpeg,
    source: Arc<dyn Source>,
    options: &Options,
) -> (Result<Extraction, ExtractError>, Kept) {
    let kept = Kept::default();
    let done = extract(
        ffmpeg,
        source,
        Box::new(kept.clone()),
        options,
        &IgnoreProgress,
    )
    .await;
    let fate = if done.is_ok() {
        Fate::Finished
    } else {
        Fate::Aborted
    };
    assert_eq!(kept.fate(), fate);
    (done, kept)
}

/// The reason for which `source` gives no zip.
pub(crate) async fn refusal(source: Arc<dyn Source>, options: &Options) -> Reason {
    match run(source, options).await.0 {
        Err(ExtractError::Video(reason)) => reason,
        other => panic!("a reason was expected, not {other:?}"),
    }
}
