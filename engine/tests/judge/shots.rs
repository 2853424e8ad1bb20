//! What the engine gives, read as a stranger would: rows of `frames.csv`, pictures by ffmpeg.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use fotograma_engine::{ExtractError, Extraction, FileSource, Options, Source};

use super::THUMB;
use super::numbered::number;
use crate::support::{Memory, entries, run};

/// A row of `frames.csv`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) file: String,
    pub(crate) seconds: f64,
    pub(crate) at: f64,
}

/// What is in a zip.
#[derive(Debug)]
pub(crate) struct Shots {
    pub(crate) done: Extraction,
    pub(crate) rows: Vec<Row>,
    /// Names and encoded images, in order.
    pub(crate) images: Vec<(String, Vec<u8>)>,
}

/// A picture as pixels of red, green and blue.
#[derive(Clone, Debug)]
pub(crate) struct Pixels {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

/// Extracts from the bytes of `path`, as if out of an object store.
pub(crate) async fn shots(path: &Path, options: &Options) -> Result<Shots, ExtractError> {
    read(Memory::of(path), options).await
}

/// Extracts from the file itself.
pub(crate) async fn shots_of_file(path: &Path, options: &Options) -> Result<Shots, ExtractError> {
    let file = FileSource::open(path).await.expect("a file");
    read(Arc::new(file), options).await
}

async fn read(source: Arc<dyn Source>, options: &Options) -> Result<Shots, ExtractError> {
    let (done, kept) = run(source, options).await;
    let done = done?;
    let mut images = entries(kept.bytes());
    let (name, table) = images.pop().expect("the table");
    assert_eq!(name, "frames.csv");
    let table = String::from_utf8(table).expect("text");
    let mut lines = table.lines();
    let headings = lines.next().expect("headings");
    let warning = if done.damaged.is_some() {
        ",warning"
    } else {
        ""
    };
    assert_eq!(headings, format!("file,seconds,at{warning}"));
    let rows = lines.map(row).collect();
    Ok(Shots { done, rows, images })
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.split(',').collect();
    // That of a damaged video has a warning behind them.
    let [file, seconds, at, ..] = cells[..] else {
        panic!("three cells, not {line}")
    };
    Row {
        file: file.to_owned(),
        seconds: seconds.parse().expect("seconds"),
        at: at.parse().expect("seconds"),
    }
}

impl Shots {
    /// The moments of the rows, in milliseconds.
    pub(crate) fn moments(&self) -> Vec<i64> {
        self.rows.iter().map(|row| millis(row.at)).collect()
    }

    /// When the frames of the rows begin, in milliseconds.
    pub(crate) fn beginnings(&self) -> Vec<i64> {
        self.rows.iter().map(|row| millis(row.seconds)).collect()
    }

    /// The numbers in the pictures, a row each.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        let thumbs = self.thumbs();
        let of = |row: &Row| number(&thumbs[self.image(&row.file)], THUMB, THUMB);
        self.rows.iter().map(of).collect()
    }

    /// Which of the images a row names.
    pub(crate) fn image(&self, file: &str) -> usize {
        let found = self.images.iter().position(|(name, _)| name == file);
        found.unwrap_or_else(|| panic!("{file} is in the zip"))
    }

    /// The images as the judge compares them.
    pub(crate) fn thumbs(&self) -> Vec<Vec<u8>> {
        let all: Vec<u8> = self
            .images
            .iter()
            .flat_map(|(_, data)| data.clone())
            .collect();
        let scale = format!(
            "scale={THUMB}:{THUMB}:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp"
        );
        let raw = decode(&all, &["-vf", &scale, "-fps_mode", "passthrough"]);
        let thumbs: Vec<_> = raw.chunks(THUMB * THUMB * 3).map(<[u8]>::to_vec).collect();
        assert_eq!(thumbs.len(), self.images.len(), "all images decode");
        thumbs
    }
}

#[expect(clippy::cast_possible_truncation, reason = "times are days at most")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}

/// The pixels of a JPEG, PNG or WebP.
pub(crate) fn pixels(image: &[u8]) -> Pixels {
    let (width, height) = size(image);
    let flags = "scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp";
    let rgb = decode(image, &["-vf", flags]);
    assert_eq!(rgb.len(), width * height * 3, "one picture");
    Pixels { width, height, rgb }
}

/// The width and height in the header of a JPEG, PNG or opaque WebP.
pub(crate) fn size(image: &[u8]) -> (usize, usize) {
    let word = |at: usize| usize::from(image[at]) << 8 | usize::from(image[at + 1]);
    if image.starts_with(b"\x89PNG") {
        return (word(18), word(22));
    }
    if image.starts_with(b"RIFF") {
        // A frame's header (RFC 6386, 9.1), behind those of the file and the chunk; the lower byte first.
        let length = |at: usize| word(at).swap_bytes() >> (usize::BITS - 16);
        return (length(26) & 0x3fff, length(28) & 0x3fff);
    }
    let mut at = 2;
    // Every segment up to the frame header (SOF0 or SOF2) says its length.
    while !matches!(image[at + 1], 0xc0 | 0xc2) {
        at += 2 + word(at + 2);
    }
    (word(at + 7), word(at + 5))
}

/// Images that lie end to end, as raw red, green and blue.
fn decode(images: &[u8], words: &[&str]) -> Vec<u8> {
    let codec = match images.first() {
        Some(b'\x89') => "png",
        Some(b'R') => "webp",
        _ => "mjpeg",
    };
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "image2pipe", "-c:v", codec, "-i", "-"])
        .args(words)
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed");
    let mut stdin = ffmpeg.stdin.take().expect("piped");
    let images = images.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&images));
    let output = ffmpeg.wait_with_output().expect("ffmpeg ends");
    writer.join().expect("no panic").expect("all is read");
    output.stdout
}
