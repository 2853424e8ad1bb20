//! Reading a video from front to back: what always works.

use std::ffi::OsString;
use std::sync::Arc;

use super::on_screen::{ScreenFrames, nanos};
use super::outcome::{Outcome, PlanFailure};
use crate::container::sniff::ContainerFormat;
use crate::counters::Counters;
use crate::ffmpeg::arguments::{self, Zero};
use crate::ffmpeg::exit::damage_from_exit;
use crate::ffmpeg::input::Input;
use crate::ffmpeg::pictures::{Given, Layout, Pictures, check_duration};
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::process::{Running, Stdin};
use crate::ffmpeg::program::Ffmpeg;
use crate::io::loopback::Shape;
use crate::io::source::Source;
use crate::options::{Mode, Options};
use crate::output::Output;
use crate::plan::moments::Moments;

/// Has ffmpeg decode all of `source`, and gives the frames on screen to `output`. `damaged` is what is
/// known to be wrong with it before.
pub(crate) async fn extract_frames(
    ffmpeg: &Ffmpeg,
    (source, format, damaged): (&Arc<dyn Source>, ContainerFormat, Option<String>),
    options: &Options,
    presentation: &Presentation,
    counters: &Counters,
    output: &mut Output,
) -> Result<Outcome, PlanFailure> {
    let input = Input::new(source, Shape::SWEEP)?;
    let moments = Moments::new(options);
    let arguments = ffmpeg_arguments(ffmpeg, &input, format, options, presentation, &moments);
    let files = presentation.files();
    let running = Running::start(ffmpeg, &options.limits, Stdin::Closed, &files, arguments)?;
    let layout = Layout::TimesAndPictures;
    let mut pictures = Pictures::new(running, layout, options, presentation)?;
    let mut frames = ScreenFrames::new(moments);
    let mut duration = None;
    let mut file_end = None;
    let several = ffmpeg.threads.get() > 1;
    while !frames.is_complete() {
        if several && pictures.complained() {
            pictures.kill().await?;
            return Err(PlanFailure::Concealed);
        }
        match pictures.next().await? {
            Given::Input {
                duration: told,
                start,
            } => {
                duration = told;
                if let Some(seconds) = told {
                    check_duration(options, source.len(), seconds)?;
                    let start = if format == ContainerFormat::Iso {
                        start
                    } else {
                        0.0
                    };
                    let end = start + seconds;
                    let from = options.from.unwrap_or_default().as_secs_f64();
                    let to = options.to.map_or(end, |to| to.as_secs_f64().min(end));
                    counters.set_span(from..to);
                    file_end = format.knows_its_end().then(|| nanos(end));
                }
            }
            Given::Presentation(other) => {
                pictures.kill().await?;
                return Err(PlanFailure::Presentation(other));
            }
            Given::Time(time) => frames.begins(time),
            Given::Picture(end, image) => frames.picture(end, image),
            Given::End => break,
        }
        while let Some(frame) = frames.next()? {
            output.frame(frame).await?;
        }
    }
    let damaged = if frames.is_complete() {
        pictures.kill().await?;
        damaged
    } else {
        let ended = pictures.wait().await?;
        input.check()?;
        if several && ended.log.complaints > 0 && frames.seen() > 0 {
            return Err(PlanFailure::Concealed);
        }
        let found = damage_from_exit(&ended, frames.seen(), &options.limits)?;
        let damaged = found.or(damaged);
        // Of a damaged video it is not known what would have come after the last frame.
        let file_end = file_end.filter(|_| damaged.is_none());
        match frames.last(file_end, options.mode) {
            Ok(last) => {
                if let Some(frame) = last {
                    output.frame(frame).await?;
                }
            }
            Err(mismatch) if damaged.is_some() => {
                tracing::debug!(%mismatch, "the last frame of a damaged video");
            }
            Err(mismatch) => return Err(mismatch.into()),
        }
        damaged
    };
    Ok(Outcome { duration, damaged })
}

fn ffmpeg_arguments(
    ffmpeg: &Ffmpeg,
    input: &Input,
    format: ContainerFormat,
    options: &Options,
    presentation: &Presentation,
    moments: &Moments,
) -> Vec<OsString> {
    let demuxers = format.demuxers();
    let mut arguments =
        arguments::before_input(ffmpeg, &options.limits, demuxers, input.protocols());
    if options.mode == Mode::Keyframe {
        arguments.extend(["-skip_frame", "nokey"].map(Into::into));
    }
    // These files have a zero of their own, at which nothing need begin.
    if format == ContainerFormat::Iso {
        arguments.push("-copyts".into());
    }
    // Without times of presentation, it is the order of the frames that gives them.
    let zero = match format {
        ContainerFormat::Avi => Zero::FirstPicture,
        _ => Zero::Input,
    };
    arguments.extend(presentation.decoder().iter().map(OsString::from));
    arguments.extend(input.arguments());
    arguments.extend(arguments::on_screen(options, moments, zero, presentation));
    arguments
}
