//! The words of ffmpeg's command line.

use std::ffi::OsString;
use std::fmt::Write;
use std::time::Duration;

use crate::ffmpeg::program::Ffmpeg;
use crate::limits::Limits;
use crate::options::{Format, Mode, Options};

/// More streams than any honest video has make ffmpeg's probing slow.
const MAX_STREAMS: &str = "64";

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
        ["-max_streams", MAX_STREAMS],
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

/// Takes the frame, and prints its timestamp in milliseconds: seconds would be cut to microseconds.
///
/// It is printed at a level at which no part of ffmpeg speaks, so that the log tells it apart (see
/// `process::log`).
pub(crate) const TAKE: &str = "1+0*print(t*1000,0)";

/// The seconds from the timestamp `start` to the timestamp `pts`, both in ticks, as an expression
/// whose whole intervals may be counted.
///
/// A frame that begins where an interval does must count as that interval's, but computed in
/// doubles its time may come out a little too early (`floor(0.12/0.04)` is 2). So a little is
/// added, which is more than the error, about 4e-16 of the time, for the first 13 days and 2⁴⁰
/// ticks. It takes no frame across a border: intervals begin at whole milliseconds, so that a
/// frame of one that is not on a border is a thousandth of a tick or more away from it. The
/// second bound holds the same for ticks that are no unit fraction of a second.
pub(crate) fn since(pts: &str, start: &str) -> String {
    format!("(({pts}-{start})*TB+min(TB/2048,5e-10))")
}

/// The selection by timestamp: of each interval its first frame, and the video's very first.
///
/// Infinity, printed like a timestamp, says that the wanted end is past. The very first frame is
/// taken even when frames are wanted from later on: its timestamp is the video's start, and its
/// image is thrown away.
pub(crate) fn select(options: &Options) -> String {
    let every = seconds(options.every);
    let from = options.from.unwrap_or_default();
    let now = since("pts", "start_pts");
    let last = since("prev_selected_pts", "start_pts");
    let wanted = if from.is_zero() {
        format!("eq(n,0)+gt(floor({now}/{every}),floor({last}/{every}))")
    } else {
        let from = seconds(from);
        format!(
            "eq(n,0)+gte({now},{from})*gt(floor(({now}-{from})/{every}),\
             floor(({last}-{from})/{every}))"
        )
    };
    until_end(options, &now, format!("if({wanted},{TAKE},0)"))
}

/// The selection among keyframes, which are all that is decoded: every one, as which is the last
/// before a moment is known only when the next one comes.
pub(crate) fn select_keyframes(options: &Options) -> String {
    until_end(options, &since("pts", "start_pts"), TAKE.into())
}

/// `taken`, until the wanted end; `now` is a frame's time from the video's start.
pub(crate) fn until_end(options: &Options, now: &str, taken: String) -> String {
    match options.to {
        None => taken,
        Some(to) => format!("if(gte({now},{}),gt(0,print(1/0,0)),{taken})", seconds(to)),
    }
}

/// Decimal seconds, to the millisecond.
pub(crate) fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_written_exactly() {
        let every = |ms| Options {
            every: Duration::from_millis(ms),
            ..Options::default()
        };
        assert!(select(&every(1)).contains(")/0.001)"));
        assert!(select(&every(90_500)).contains(")/90.500)"));
    }
}
