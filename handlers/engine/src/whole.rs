//! Reading a video from front to back: what always works.

use std::sync::Arc;

use crate::command;
use crate::container::inspect;
use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::Ffmpeg;
use crate::frames::{Frames, Next, check_duration};
use crate::input::Input;
use crate::loopback::Shape;
use crate::options::Options;
use crate::output::Output;
use crate::process::{Running, Stdin};
use crate::reason::Reason;
use crate::sniff::{Family, HEAD};
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
    let head = source.read(0..source.len().min(HEAD)).await?;
    let structure = inspect(source.as_ref(), family, &head).await?;
    if structure.encrypted {
        return Err(Reason::Encrypted.into());
    }
    let input = Input::of(source, Shape::SWEEP)?;
    let demuxers = family.demuxers();
    let mut arguments = command::before_input(ffmpeg, &options.limits, demuxers, input.protocols());
    arguments.extend(["-i".into(), input.address()]);
    arguments.extend(command::after_input(options, &command::select(options)));
    let running = Running::start(ffmpeg, &options.limits, Stdin::Closed, arguments)?;
    let mut frames = Frames::of(running, options)?;
    let mut finding = Finding::default();
    loop {
        match frames.next().await? {
            Next::Frame(frame) => output.frame(frame).await?,
            Next::Duration(seconds) => {
                check_duration(options, source.len(), seconds)?;
                let from = options.from.unwrap_or_default().as_secs_f64();
                let to = options
                    .to
                    .map_or(seconds, |to| to.as_secs_f64().min(seconds));
                counters.set_span(from..to);
                finding.duration = Some(seconds);
            }
            Next::End { past_end: true } => {
                frames.kill().await?;
                return Ok(finding);
            }
            Next::End { past_end: false } => break,
        }
    }
    let ended = frames.wait().await?;
    input.check()?;
    let damaged = verdict(&ended, output.frames(), &options.limits)?;
    finding.damaged = damaged.or(structure.truncated);
    Ok(finding)
}
