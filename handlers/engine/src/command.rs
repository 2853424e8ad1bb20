//! The words of ffmpeg's command line.

use std::ffi::OsString;
use std::fmt::Write;

use crate::ffmpeg::Ffmpeg;
use crate::limits::Limits;
use crate::options::{Format, Mode, Options};

/// More streams than any honest video has make ffmpeg's probing slow.
const MOST_STREAMS: &str = "64";

/// What stands before `-i`: nothing but these demuxers and protocols, no larger picture.
pub(crate) fn before_input(
    ffmpeg: &Ffmpeg,
    limits: &Limits,
    demuxers: &str,
    protocols: &str,
) -> Vec<OsString> {
    let threads = ffmpeg.threads.to_string();
    // ffmpeg holds its padded buffers against this; the picture itself is checked when it is known.
    let pixels = limits.pixels.saturating_mul(5) / 4 + (1 << 20);
    let pixels = pixels.min(i32::MAX as u64).to_string();
    [
        ["-threads", &threads],
        ["-protocol_whitelist", protocols],
        ["-format_whitelist", demuxers],
        ["-max_pixels", &pixels],
        ["-max_streams", MOST_STREAMS],
    ]
    .as_flattened()
    .iter()
    .map(OsString::from)
    .collect()
}

/// What stands after the input: the frames that `select` takes, as images on standard output.
///
/// Pictures attached to a file (covers) are no video: `V`, not `v`. The JPEG encoder's threads
/// would make its output differ from run to run.
pub(crate) fn after_input(options: &Options, select: &str) -> Vec<OsString> {
    let mut filter = format!("select='{select}'");
    if let Some(width) = options.width {
        // Writing to a string cannot fail.
        let _ = write!(filter, ",scale=w='min(iw,{width})':h=-1");
    }
    // One more than allowed tells that there are too many; the first is not always wanted. Of
    // keyframes it is not known how many are.
    let most = match options.mode {
        Mode::Exact => options.limits.frames.saturating_add(2),
        Mode::Keyframe => 1 << 50,
    };
    let most = most.to_string();
    let quality = options.quality.to_string();
    let encoder: &[&str] = match options.format {
        Format::Jpg => &[
            "-c:v", "mjpeg", "-threads", "1", "-q:v", &quality, "-huffman", "optimal",
        ],
        Format::Png => &["-c:v", "png", "-threads", "1"],
    };
    [
        "-map",
        "0:V:0",
        "-an",
        "-sn",
        "-dn",
        "-map_metadata",
        "-1",
        "-vf",
        &filter,
    ]
    .iter()
    .chain(&["-fps_mode", "passthrough", "-frames:v", &most])
    .chain(encoder)
    .chain(&["-f", "image2pipe", "pipe:1"])
    .map(OsString::from)
    .collect()
}

/// The selection by timestamp: of each interval its first frame, and the video's very first.
///
/// Each selected frame's timestamp is printed, at a level at which no part of ffmpeg speaks, so
/// that the log tells it apart (see `process::log`). Infinity says that the wanted end is past.
/// The very first frame is taken even when frames are wanted from later on: its timestamp is
/// the video's start, and its image is thrown away.
pub(crate) fn select(options: &Options) -> String {
    let every = seconds(options.every.as_millis());
    let from = options.from.unwrap_or_default();
    let wanted = if from.is_zero() {
        format!("eq(n,0)+gt(floor((t-start_t)/{every}),floor((prev_selected_t-start_t)/{every}))")
    } else {
        let from = seconds(from.as_millis());
        format!(
            "eq(n,0)+gte(t-start_t,{from})*gt(floor((t-start_t-{from})/{every}),\
             floor((prev_selected_t-start_t-{from})/{every}))"
        )
    };
    ending(options, format!("if({wanted},1+0*print(t,0),0)"))
}

/// The selection among keyframes, which are all that is decoded: every one, as which is the last
/// before a moment is known only when the next one comes.
pub(crate) fn select_keyframes(options: &Options) -> String {
    ending(options, "1+0*print(t,0)".into())
}

/// `taken`, until the wanted end.
fn ending(options: &Options, taken: String) -> String {
    match options.to {
        None => taken,
        Some(to) => {
            let to = seconds(to.as_millis());
            format!("if(gte(t-start_t,{to}),gt(0,print(1/0,0)),{taken})")
        }
    }
}

/// The interval and the wanted start, in seconds, as the selection writes them.
pub(crate) fn every_and_from(options: &Options) -> (String, String) {
    let from = options.from.unwrap_or_default();
    (
        seconds(options.every.as_millis()),
        seconds(from.as_millis()),
    )
}

/// Milliseconds as decimal seconds.
fn seconds(millis: u128) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn intervals_are_written_exactly() {
        let every = |ms| Options {
            every: Duration::from_millis(ms),
            ..Options::default()
        };
        assert!(select(&every(1)).contains("(t-start_t)/0.001)"));
        assert!(select(&every(90_500)).contains("(t-start_t)/90.500)"));
    }
}
