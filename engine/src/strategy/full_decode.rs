//! Reading a video from front to back: what always works.

use std::ffi::OsString;
use std::sync::Arc;

use super::keyframes::KeyframePicker;
use crate::container::sniff::ContainerFormat;
use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::arguments;
use crate::ffmpeg::exit::damage_from_exit;
use crate::ffmpeg::frames::{Frames, Next, check_duration};
use crate::ffmpeg::input::Input;
use crate::ffmpeg::process::{Running, Stdin};
use crate::ffmpeg::program::Ffmpeg;
use crate::io::loopback::Shape;
use crate::io::source::Source;
use crate::options::{Mode, Options};
use crate::output::Output;
use crate::strategy::outcome::Outcome;

/// Has ffmpeg decode all of `source` and gives the frames by timestamp to `output`.
pub(crate) async fn extract_frames(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    format: ContainerFormat,
    options: &Options,
    counters: &Counters,
    output: &mut Output,
) -> Result<Outcome, ExtractError> {
    let input = Input::new(source, Shape::SWEEP)?;
    let arguments = ffmpeg_arguments(ffmpeg, &input, format, options);
    let running = Running::start(ffmpeg, &options.limits, Stdin::Closed, arguments)?;
    let mut frames = Frames::new(running, options)?;
    let mut picker = (options.mode == Mode::Keyframe).then(|| KeyframePicker::new(options));
    let mut outcome = Outcome::default();
    let mut decoded = 0;
    let past_end = loop {
        match frames.next().await? {
            Next::Frame(frame) => {
                if decoded == 0 {
                    output.start_at(frame.timestamp);
                }
                decoded += 1;
                let wanted = match &mut picker {
                    Some(picker) => picker.next(frame),
                    None => Some(frame),
                };
                if let Some(frame) = wanted {
                    output.frame(frame).await?;
                }
            }
            Next::Duration(seconds) => {
                check_duration(options, source.len(), seconds)?;
                let from = options.from.unwrap_or_default().as_secs_f64();
                let to = options
                    .to
                    .map_or(seconds, |to| to.as_secs_f64().min(seconds));
                counters.set_span(from..to);
                outcome.duration = Some(seconds);
            }
            Next::End { past_end } => break past_end,
        }
    };
    if past_end {
        frames.kill().await?;
    } else {
        let ended = frames.wait().await?;
        input.check()?;
        outcome.damaged = damage_from_exit(&ended, decoded, &options.limits)?;
    }
    let end = if past_end {
        Some(f64::INFINITY)
    } else {
        outcome.duration
    };
    if let Some(frame) = picker.and_then(|picker| picker.last(end)) {
        output.frame(frame).await?;
    }
    Ok(outcome)
}

fn ffmpeg_arguments(
    ffmpeg: &Ffmpeg,
    input: &Input,
    format: ContainerFormat,
    options: &Options,
) -> Vec<OsString> {
    let demuxers = format.demuxers();
    let mut arguments =
        arguments::before_input(ffmpeg, &options.limits, demuxers, input.protocols());
    let select = match options.mode {
        Mode::Exact => arguments::select(options),
        Mode::Keyframe => {
            arguments.extend(["-skip_frame".into(), "nokey".into()]);
            arguments::select_keyframes(options)
        }
    };
    arguments.extend(input.arguments());
    arguments.extend(arguments::after_input(options, &select));
    arguments
}
