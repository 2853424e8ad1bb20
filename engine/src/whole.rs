//! Reading a video from front to back: what always works.

use std::ffi::OsString;
use std::sync::Arc;

use crate::command;
use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::Ffmpeg;
use crate::frames::{Frames, Next, check_duration};
use crate::input::Input;
use crate::keyframes::Picker;
use crate::loopback::Shape;
use crate::options::{Mode, Options};
use crate::output::Output;
use crate::process::{Running, Stdin};
use crate::sniff::Family;
use crate::source::Source;
use crate::verdict::verdict;

/// What a strategy found out on its way.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    /// The playing time in seconds.
    pub(crate) duration: Option<f64>,
    /// What is wrong with the video.
    pub(crate) damaged: Option<String>,
}

/// Has ffmpeg decode all of `source` and gives the frames by timestamp to `output`.
pub(crate) async fn run(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    family: Family,
    options: &Options,
    counters: &Counters,
    output: &mut Output,
) -> Result<Finding, ExtractError> {
    let input = Input::of(source, Shape::SWEEP)?;
    let arguments = arguments(ffmpeg, &input, family, options);
    let running = Running::start(ffmpeg, &options.limits, Stdin::Closed, arguments)?;
    let mut frames = Frames::of(running, options)?;
    let mut picker = (options.mode == Mode::Keyframe).then(|| Picker::new(options));
    let mut finding = Finding::default();
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
                finding.duration = Some(seconds);
            }
            Next::End { past_end } => break past_end,
        }
    };
    if past_end {
        frames.kill().await?;
    } else {
        let ended = frames.wait().await?;
        input.check()?;
        finding.damaged = verdict(&ended, decoded, &options.limits)?;
    }
    let end = if past_end {
        Some(f64::INFINITY)
    } else {
        finding.duration
    };
    if let Some(frame) = picker.and_then(|picker| picker.last(end)) {
        output.frame(frame).await?;
    }
    Ok(finding)
}

fn arguments(ffmpeg: &Ffmpeg, input: &Input, family: Family, options: &Options) -> Vec<OsString> {
    let demuxers = family.demuxers();
    let mut arguments = command::before_input(ffmpeg, &options.limits, demuxers, input.protocols());
    let select = match options.mode {
        Mode::Exact => command::select(options),
        Mode::Keyframe => {
            arguments.extend(["-skip_frame".into(), "nokey".into()]);
            command::select_keyframes(options)
        }
    };
    arguments.extend(input.words());
    arguments.extend(command::after_input(options, &select));
    arguments
}
