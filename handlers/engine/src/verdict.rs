//! What ffmpeg's end means: its exit status alone does not tell.
//!
//! It exits with 0 without a single image, for a truncated file and for an encrypted one; and
//! with 69 after a hundred good images and one bad packet.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::error::ExtractError;
use crate::limits::Limits;
use crate::process::{Ended, Log};
use crate::reason::Reason;

/// Says what is wrong with a video of which ffmpeg gave `frames` frames before it ended: `Ok` with
/// the damage, if any, when there are frames, and else why there are none.
pub(crate) fn verdict(
    ended: &Ended,
    frames: u64,
    limits: &Limits,
) -> Result<Option<String>, ExtractError> {
    let log = &ended.log;
    if let Some(signal) = ended.status.signal() {
        return by_signal(signal, frames, limits);
    }
    if !ended.status.success() && (log.says("Cannot allocate memory") || log.says("alloc failed")) {
        return Err(Reason::Memory {
            limit: limits.memory,
        }
        .into());
    }
    if frames == 0 {
        return Err(without_frames(log, limits).into());
    }
    if let Some(truncated) = &log.truncated {
        return Ok(Some(truncated.clone()));
    }
    if ended.status.success() {
        return Ok(None);
    }
    Ok(Some(complaint(log)))
}

fn by_signal(signal: i32, frames: u64, limits: &Limits) -> Result<Option<String>, ExtractError> {
    if signal == Signal::XCPU.as_raw() {
        return Err(Reason::CpuTime {
            limit: limits.cpu.as_secs(),
        }
        .into());
    }
    let crashes = [
        Signal::SEGV,
        Signal::ABORT,
        Signal::BUS,
        Signal::ILL,
        Signal::FPE,
    ];
    if crashes.iter().any(|crash| crash.as_raw() == signal) {
        return Err(Reason::Damaged {
            detail: "the decoder crashed on it".into(),
            frames,
        }
        .into());
    }
    Err(ExtractError::Machine(format!(
        "ffmpeg was ended by signal {signal}"
    )))
}

fn without_frames(log: &Log, limits: &Limits) -> Reason {
    if log.container.is_none() {
        // Its first bytes are those of a video.
        let detail = log.truncated.clone();
        let detail = detail.unwrap_or_else(|| complaint(log));
        return Reason::Damaged { detail, frames: 0 };
    }
    let Some(video) = log.video() else {
        return Reason::NoVideoStream;
    };
    if log.says("matches no streams") {
        return Reason::NoVideoStream;
    }
    if pixels(video).is_some_and(|pixels| pixels > limits.pixels) || log.says("Picture size") {
        return Reason::TooManyPixels {
            limit: limits.pixels,
        };
    }
    if video.starts_with("none") || log.says("Decoder (codec") || log.says("Unknown decoder") {
        let what = video.split([',', '[']).next().unwrap_or_default().trim();
        return Reason::Unsupported {
            what: what.to_owned(),
        };
    }
    if let Some(truncated) = &log.truncated {
        return Reason::Damaged {
            detail: truncated.clone(),
            frames: 0,
        };
    }
    Reason::NoFrames
}

/// The number of pixels in ffmpeg's description of a stream (`h264 (High), yuv420p, 320x240 […]`).
fn pixels(video: &str) -> Option<u64> {
    video.split([',', ' ']).find_map(|word| {
        let (width, height) = word.split_once('x')?;
        width.parse::<u64>().ok()?.checked_mul(height.parse().ok()?)
    })
}

/// The complaint that says most: the first one.
fn complaint(log: &Log) -> String {
    log.first
        .first()
        .cloned()
        .unwrap_or_else(|| "ffmpeg gave up without saying why".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_size_of_the_picture() {
        let video = "h264 (High) (avc1 / 0x31637661), yuv420p(tv), 16000x16000 [SAR 1:1], 0 kb/s";
        assert_eq!(pixels(video), Some(256_000_000));
        assert_eq!(pixels("none (avc1 / 0x31637661), 1 kb/s"), None);
    }
}
