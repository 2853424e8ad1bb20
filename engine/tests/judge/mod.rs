//! An independent judge of what is on screen when: one full decode by plain ffmpeg, with none of
//! the engine's flags, and the choice of the frame by exact fractions, here.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file takes its part"
)]

pub(crate) mod compare;
pub(crate) mod numbered;
pub(crate) mod shots;

use std::path::Path;
use std::process::{Command, Stdio};

/// Width and height to which pictures are scaled to be compared.
pub(crate) const THUMB: usize = 96;

/// A moment as an exact fraction of seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    numerator: i128,
    denominator: i128,
}

impl Time {
    /// So many milliseconds.
    pub(crate) const fn millis(millis: i128) -> Self {
        Self {
            numerator: millis,
            denominator: 1000,
        }
    }

    /// Whether this is `other` or before it.
    pub(crate) const fn is_by(self, other: Self) -> bool {
        self.numerator * other.denominator <= other.numerator * self.denominator
    }

    /// Seconds, for people.
    #[expect(clippy::cast_precision_loss, reason = "it is only shown and rounded")]
    pub(crate) fn seconds(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// A frame that ffmpeg shows.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// When it begins, on the player's clock.
    pub(crate) begins: Time,
    /// It, at [`THUMB`] by [`THUMB`] pixels of red, green and blue.
    pub(crate) thumb: Vec<u8>,
}

/// All frames of a video, in the order in which they are shown.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) frames: Vec<Shown>,
    /// When the last frame ends at the latest: at the distance of the two before it, or at the end
    /// that the file names. Containers do not agree on it.
    pub(crate) end: Time,
    /// Whether pictures must be tone mapped for a screen.
    pub(crate) hdr: bool,
}

impl Reference {
    /// Decodes the first `seconds` of `path`.
    ///
    /// The clock is the player's. An ISO file (mp4, mov) has a zero of its own, at which nothing
    /// need begin; of others it is where the first of all streams begins. AVI knows no times of
    /// presentation but the order of frames, so that its first picture is its zero.
    pub(crate) fn of(path: &Path, seconds: u32) -> Self {
        let about = About::of(path);
        let matrix = about.matrix();
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "info", "-nostdin", "-nostats", "-threads", "1"]);
        if about.zero == Zero::File {
            ffmpeg.arg("-copyts");
        }
        let flags = "flags=area+accurate_rnd+full_chroma_int+full_chroma_inp";
        let scale = format!("scale={THUMB}:{THUMB}:{flags}{matrix}");
        let output = ffmpeg
            .args(["-t", &seconds.to_string(), "-i"])
            .arg(path)
            .args(["-map", "0:V:0", "-vf"])
            .arg(format!("showinfo,{scale},format=rgb24"))
            .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-"])
            .stdin(Stdio::null())
            .output()
            .expect("ffmpeg is installed");
        let log = String::from_utf8_lossy(&output.stderr);
        let times = times(&log);
        let thumbs = output.stdout.chunks_exact(THUMB * THUMB * 3);
        assert_eq!(times.ticks.len(), thumbs.len(), "a time for each picture");
        let zero = if about.zero == Zero::FirstPicture {
            times.ticks.first().copied().unwrap_or_default()
        } else {
            0
        };
        let time = |ticks: i128| Time {
            numerator: (ticks - zero) * times.base.0,
            denominator: times.base.1,
        };
        let ticks = running(&times.ticks);
        let end = match ticks[..] {
            [.., before, last] => last + (last - before).max(1),
            [only] => only + 1,
            [] => 0,
        };
        let end = [time(end), about.end].into_iter();
        let end = end.reduce(|a, b| if a.is_by(b) { b } else { a });
        Self {
            frames: ticks
                .iter()
                .zip(thumbs)
                .map(|(&ticks, thumb)| Shown {
                    begins: time(ticks),
                    thumb: thumb.to_vec(),
                })
                .collect(),
            end: end.expect("two of them"),
            hdr: about.hdr,
        }
    }

    /// The number of the frame on screen at `moment`: the last that begins at or before it, and
    /// before the first the first.
    pub(crate) fn on_screen(&self, moment: Time) -> usize {
        let begun = self
            .frames
            .partition_point(|frame| frame.begins.is_by(moment));
        begun.saturating_sub(1)
    }
}

/// Times that never go back: frames that do not follow in time follow at the last distance, or at
/// the one before where that was shorter, until the file's own times have caught up.
fn running(ticks: &[i128]) -> Vec<i128> {
    let mut out: Vec<i128> = Vec::with_capacity(ticks.len());
    let (mut distance, mut before) = (1, None);
    let mut behind = false;
    for &at in ticks {
        let Some(&last) = out.last() else {
            out.push(at);
            continue;
        };
        behind = at <= last || behind && at < last + distance;
        if behind {
            // A damaged time may lie far ahead.
            distance = distance.min(before.unwrap_or(distance));
            out.push(last + distance);
        } else {
            before = Some(before.map_or(at - last, |_| distance));
            distance = at - last;
            out.push(at);
        }
    }
    out
}

/// Where the player's clock has its zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zero {
    /// The file has one of its own.
    File,
    /// Where the first of its streams begins.
    FirstStream,
    /// At the first picture.
    FirstPicture,
}

/// What the file says of itself.
struct About {
    zero: Zero,
    /// Colours by brightness and differences, and not said by which matrix.
    untagged: bool,
    hdr: bool,
    height: u32,
    /// The end that the container names.
    end: Time,
}

impl About {
    fn of(path: &Path) -> Self {
        let output = Command::new("ffprobe")
            .args(["-v", "quiet", "-select_streams", "V:0", "-show_entries"])
            .arg("format=format_name,duration:stream=height,color_space,color_transfer,pix_fmt")
            .args(["-of", "default=noprint_wrappers=1"])
            .arg(path)
            .output()
            .expect("ffprobe is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines
                .find(|(name, _)| *name == key)
                .map_or("", |(_, value)| value)
        };
        let space = value("color_space");
        let pixels = value("pix_fmt");
        Self {
            zero: match value("format_name") {
                "avi" => Zero::FirstPicture,
                name if name.contains("mp4") => Zero::File,
                _ => Zero::FirstStream,
            },
            untagged: matches!(space, "" | "unknown" | "reserved")
                && (pixels.starts_with("yuv") || pixels.starts_with("nv")),
            hdr: matches!(value("color_transfer"), "smpte2084" | "arib-std-b67"),
            height: value("height").parse().unwrap_or_default(),
            end: decimal(value("duration")),
        }
    }

    /// As players do: what no tag names is BT.709 from 720 lines on.
    fn matrix(&self) -> &'static str {
        if self.untagged && self.height >= 720 {
            ":in_color_matrix=bt709"
        } else {
            ""
        }
    }
}

/// A time told with six decimals.
fn decimal(text: &str) -> Time {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    Time {
        numerator: digits.parse().unwrap_or_default(),
        denominator: 1_000_000,
    }
}

struct Times {
    base: (i128, i128),
    ticks: Vec<i128>,
}

/// The times in what `showinfo` says.
fn times(log: &str) -> Times {
    let mut times = Times {
        base: (1, 1),
        ticks: Vec::new(),
    };
    for line in log.lines() {
        // Something else that ffmpeg says may stand before it in the line.
        if let Some((_, rest)) = line.split_once("config in time_base: ") {
            let base = rest.split(',').next().and_then(|base| base.split_once('/'));
            let (num, den) = base.expect("a fraction");
            times.base = (
                num.parse().expect("a number"),
                den.parse().expect("a number"),
            );
        } else if line.contains("showinfo")
            && let Some((_, rest)) = line.split_once(" pts:")
        {
            let ticks = rest.split_whitespace().next().expect("a time");
            // A frame without a time follows the one before it.
            let before = times.ticks.last().copied().unwrap_or_default();
            times.ticks.push(ticks.parse().unwrap_or(before));
        }
    }
    times
}
