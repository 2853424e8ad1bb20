//! What ffmpeg says on its standard error: facts about the input, and complaints.
//!
//! Everything is bounded, since a hostile file can make ffmpeg say anything at any length.

use std::collections::VecDeque;

use ffmpeg_sidecar::log_parser::{try_parse_duration, try_parse_input, try_parse_output};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::ChildStderr;
use tokio::sync::mpsc::{Receiver, Sender};

use crate::ffmpeg::packet_times::PacketTimes;
use crate::ffmpeg::stream_facts::StreamFacts;

/// The longest line that is looked at, in bytes; the rest of it is skipped.
const MAX_LINE_BYTES: u64 = 1000;

/// How many complaints are kept from the beginning, and how many from the end.
const KEPT: usize = 8;

/// What ffmpeg says of an input that ends too early.
const TRUNCATED: [&str; 6] = [
    "partial file",
    "File ended prematurely",
    "moov atom not found",
    "Stream ends prematurely",
    "unexpected end",
    "Truncated",
];

/// How ffmpeg's events arrive, in the order in which they happen.
pub(crate) type EventReceiver = Receiver<Event>;

/// Where the events go.
pub(crate) type EventSender = Sender<Event>;

/// Events that may wait; ffmpeg waits when there are more.
pub(crate) const MAX_WAITING_EVENTS: usize = 64;

/// What ffmpeg tells while it works.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// The container's word for the playing time and for where it starts, in seconds.
    Input { duration: Option<f64>, start: f64 },
    /// The input's streams of video, covers apart, told before any frame.
    Videos(Vec<StreamFacts>),
    /// There is a first complaint.
    Complaint,
    /// There is a first picture of another size than those before.
    OtherSize,
}

/// What is kept of all that ffmpeg said.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Log {
    /// Whether the input has been opened.
    pub(crate) input_opened: bool,
    /// The playing time in seconds.
    pub(crate) duration: Option<f64>,
    /// Where the input's own time starts, in seconds.
    pub(crate) start: Option<f64>,
    /// What ffmpeg says of each stream of the input ("Video: h264 (High), …").
    pub(crate) streams: Vec<String>,
    /// How many complaints there were.
    pub(crate) complaints: u64,
    /// The first of them.
    pub(crate) first: Vec<String>,
    /// The last of them.
    pub(crate) last: VecDeque<String>,
    /// The signal on which it made an end of its own.
    pub(crate) signal: Option<i32>,
    /// The first complaint which says that the input ends too early.
    pub(crate) truncated: Option<String>,
    /// Whether there were pictures of more than one size.
    pub(crate) other_sizes: bool,
    /// When packets are shown, where the muxer `framecrc` tells it here.
    pub(crate) packets: PacketTimes,
    /// The streams of video, covers apart.
    videos: Vec<StreamFacts>,
    /// Whether what is told now is of the last of them.
    in_video: bool,
    output_seen: bool,
}

impl Log {
    /// Reads all that is said until the pipe closes.
    pub(super) async fn follow(stderr: ChildStderr, events: EventSender) -> Self {
        let mut log = Self::default();
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .await
            {
                Ok(0) | Err(_) => return log,
                Ok(_) => {}
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            } else if skip_line(&mut reader).await.is_err() {
                return log;
            }
            if let Some(event) = log.line(&String::from_utf8_lossy(&line)) {
                // The receiver is gone when nobody waits for frames any more.
                let _ = events.send(event).await;
            }
        }
    }

    /// Takes in one line.
    fn line(&mut self, line: &str) -> Option<Event> {
        let Some((level, text)) = split(line) else {
            self.packets.line(line);
            return None;
        };
        match level {
            "info" if text.starts_with("filter context - ") => {
                let is_first = !self.other_sizes;
                self.other_sizes |= is_other_size(text);
                (is_first && self.other_sizes).then_some(Event::OtherSize)
            }
            "info" => self.fact(text),
            "error" | "fatal" => {
                self.complaint(text);
                (self.complaints == 1).then_some(Event::Complaint)
            }
            _ => None,
        }
    }

    fn fact(&mut self, text: &str) -> Option<Event> {
        if let Some(signal) = text.strip_prefix("Exiting normally, received signal ") {
            self.signal = signal.trim_end_matches('.').parse().ok();
            return None;
        }
        if text.starts_with("Stream mapping:") {
            // All of the input has been described, and where nothing is encoded the output too.
            return Some(Event::Videos(self.videos.clone()));
        }
        if self.output_seen {
            return None;
        }
        if try_parse_output(text).is_some() {
            self.output_seen = true;
        } else if try_parse_input(text) == Some(0) {
            self.input_opened = true;
        } else if let Some(rest) = text.strip_prefix("  Duration: ") {
            self.duration = try_parse_duration(text);
            let start = rest
                .split(", ")
                .find_map(|part| part.strip_prefix("start: "));
            self.start = start.and_then(|start| start.parse().ok());
            return Some(Event::Input {
                duration: self.duration,
                start: self.start.unwrap_or_default(),
            });
        } else if let Some((_, rest)) = text
            .strip_prefix("  Stream #0:")
            .and_then(|r| r.split_once(": "))
            && self.streams.len() < 64
        {
            self.streams.push(rest.to_owned());
            self.in_video = false;
            if let Some(facts) = rest.strip_prefix("Video: ").and_then(StreamFacts::parse) {
                self.videos.push(facts);
                self.in_video = true;
            }
        } else if self.in_video
            && let Some((key, value)) = text.split_once(':')
            && let Some(facts) = self.videos.last_mut()
        {
            match key.trim() {
                "alpha_mode" => facts.alpha_beside = value.trim() == "1",
                "displaymatrix" => facts.has_display_matrix = true,
                _ => {}
            }
        }
        None
    }

    fn complaint(&mut self, text: &str) {
        let text = without_address(text);
        self.complaints += 1;
        if self.truncated.is_none() && TRUNCATED.iter().any(|sign| text.contains(sign)) {
            self.truncated = Some(text.to_owned());
        }
        if self.first.len() < KEPT {
            self.first.push(text.to_owned());
            return;
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(text.to_owned());
    }

    /// Whether one of the kept complaints contains `words`.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.complaint_with(words).is_some()
    }

    /// The first of the kept complaints that contains `words`.
    pub(crate) fn complaint_with(&self, words: &str) -> Option<&str> {
        self.kept().find(|text| text.contains(words))
    }

    /// The complaints that were kept.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &str> {
        self.first.iter().chain(&self.last).map(String::as_str)
    }

    /// ffmpeg's description of the input's first video stream that is no cover.
    pub(crate) fn video(&self) -> Option<&str> {
        let covers = |video: &&str| !video.ends_with("(attached pic)");
        self.streams
            .iter()
            .filter_map(|s| s.strip_prefix("Video: "))
            .find(covers)
    }
}

/// The level and the text of `[h264 @ 0x55bf] [error] text`; the first part may be absent.
fn split(line: &str) -> Option<(&str, &str)> {
    let mut rest = line;
    loop {
        let (tag, after) = rest.strip_prefix('[')?.split_once("] ")?;
        if !tag.contains(" @ 0x") {
            return Some((tag, after));
        }
        rest = after;
    }
}

/// Whether a picture has another size than the filters were made for: `filter context - w: 320 h: 180
/// fmt: 0, incoming frame - w: 240 h: 180 fmt: 0 pts_time: 2.6`.
fn is_other_size(text: &str) -> bool {
    let sizes = text.split(", ").filter_map(|part| {
        let (_, size) = part.split_once("w: ")?;
        size.split_once(" fmt: ").map(|(size, _)| size)
    });
    let sizes: Vec<_> = sizes.collect();
    matches!(sizes[..], [made, comes] if made != comes)
}

/// What is said of the input, less where it is: that is nobody's business.
fn without_address(text: &str) -> &str {
    let named = ["file:", "http://", "pipe:"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    text.rsplit_once(": ")
        .map_or(text, |(_, rest)| if named { rest } else { text })
}

async fn skip_line(reader: &mut BufReader<ChildStderr>) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf().await?;
        let Some(end) = buffer.iter().position(|&b| b == b'\n') else {
            let all = buffer.len();
            if all == 0 {
                return Ok(());
            }
            reader.consume(all);
            continue;
        };
        reader.consume(end + 1);
        return Ok(());
    }
}

#[cfg(test)]
mod tests;
