//! What ffmpeg's end means: its exit status alone does not tell.
//!
//! It exits with 0 without a single image, for a truncated file and for an encrypted one; and
//! with 69 after a hundred good images and one bad packet.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::error::ExtractError;
use crate::ffmpeg::confinement::NOT_CONFINED;
use crate::ffmpeg::log::Log;
use crate::ffmpeg::process::Ended;
use crate::limits::Limits;
use crate::reason::Reason;

/// The status of a loader that could not load all libraries (`ld.so`), and of a shell's.
const NOT_STARTED: i32 = 127;

/// What ffmpeg says where memory is short.
const MEMORY: [&str; 5] = [
    "Cannot allocate memory",
    UNAVAILABLE,
    "alloc failed",
    "get_buffer() failed",
    "Error while opening encoder",
];

/// What it says of a packet. A decoder that lost its way in a damaged one says that it is unavailable.
const PACKET: &str = "Error while decoding stream";
const UNAVAILABLE: &str = "Resource temporarily unavailable";

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
        let why = log.complaint_with(NOT_CONFINED);
        let why = why.unwrap_or("ffmpeg does not start: its libraries fail to load");
        return Err(ExtractError::Machine(why.to_owned()));
    }
    if let Some(refusal) = REFUSALS.iter().find_map(|words| log.complaint_with(words)) {
        return Err(ExtractError::Machine(format!(
            "ffmpeg does not know its task: {refusal}"
        )));
    }
    let is_short = |text: &str| {
        let of_packet = text.starts_with(PACKET) && text.contains(UNAVAILABLE);
        MEMORY.iter().any(|words| text.contains(words)) && !of_packet
    };
    let memory = || log.kept().any(is_short) && !log.says(PICTURE_SIZE);
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

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use super::*;

    /// ffmpeg gave frames, said this, and gave up.
    fn after(complaint: &str) -> Result<Option<String>, ExtractError> {
        let mut log = Log::default();
        log.first.push(complaint.to_owned());
        log.complaints = 1;
        let status = ExitStatus::from_raw(69 << 8);
        damage_from_exit(&Ended { status, log }, 5, &Limits::default())
    }

    #[test]
    fn a_packet_that_a_decoder_cannot_take_is_not_a_lack_of_memory() {
        let packet = "Error while decoding stream #0:0: Resource temporarily unavailable";
        assert_eq!(after(packet), Ok(Some(packet.to_owned())));
        let limit = Limits::default().memory;
        for lack in [
            "pthread_create failed: Resource temporarily unavailable.",
            "Error while decoding stream #0:0: Cannot allocate memory",
        ] {
            assert_eq!(after(lack), Err(Reason::Memory { limit }.into()), "{lack}");
        }
    }
}
