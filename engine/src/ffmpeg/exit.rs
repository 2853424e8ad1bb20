//! What ffmpeg's end means: its exit status alone does not tell.
//!
//! It exits with 0 without a single image, for a truncated file and for an encrypted one; and
//! with 69 after a hundred good images and one bad packet.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::error::ExtractError;
use crate::ffmpeg::log::Log;
use crate::ffmpeg::process::Ended;
use crate::limits::Limits;
use crate::reason::Reason;

/// The status of a loader that could not load all libraries (`ld.so`), and of a shell's.
const NOT_STARTED: i32 = 127;

/// What ffmpeg says where memory is short.
const MEMORY: [&str; 5] = [
    "Cannot allocate memory",
    "Resource temporarily unavailable",
    "alloc failed",
    "get_buffer() failed",
    "Error while opening encoder",
];

/// What it says of arguments that it does not know: a build that lacks what is needed.
const REFUSALS: [&str; 6] = [
    "Unrecognized option",
    "Option not found",
    "Unknown encoder",
    "No such filter",
    "Error splitting the argument list",
    "Requested output format",
];

/// What it says of a picture beyond `-max_pixels`.
const PICTURE_SIZE: &str = "Picture size";

/// Says what is wrong with a video of which ffmpeg gave `frames` frames before it ended: `Ok` with
/// the damage, if any, when there are frames, and else why there are none.
pub(crate) fn damage_from_exit(
    ended: &Ended,
    frames: u64,
    limits: &Limits,
) -> Result<Option<String>, ExtractError> {
    let log = &ended.log;
    // ffmpeg catches some signals and then makes an orderly end.
    if let Some(signal) = ended.status.signal().or(log.signal) {
        return by_signal(signal, frames, limits);
    }
    if ended.status.code() == Some(NOT_STARTED) {
        return Err(ExtractError::Machine(
            "ffmpeg does not start: its libraries fail to load".into(),
        ));
    }
    if let Some(refusal) = REFUSALS.iter().find_map(|words| log.complaint_with(words)) {
        return Err(ExtractError::Machine(format!(
            "ffmpeg does not know its task: {refusal}"
        )));
    }
    let memory = || MEMORY.iter().any(|words| log.says(words)) && !log.says(PICTURE_SIZE);
    if (frames == 0 || !ended.status.success()) && memory() {
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
    // A decoder that complains has made up what it could not read, also where it ends well.
    if ended.status.success() && log.complaints == 0 {
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
    if !log.input_opened {
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
    if log.says(PICTURE_SIZE) {
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

/// The complaint that says most: the first one.
fn complaint(log: &Log) -> String {
    log.first
        .first()
        .cloned()
        .unwrap_or_else(|| "ffmpeg gave up without saying why".into())
}
