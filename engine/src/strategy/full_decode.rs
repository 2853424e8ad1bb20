//! Decoding all of a video, from front to back.

use super::front_to_back::FrontToBack;
use super::on_screen::{ScreenFrames, nanos};
use super::outcome::{Outcome, PlanFailure};
use super::true_sizes::TrueSizes;
use crate::container::sniff::ContainerFormat;
use crate::counters::Counters;
use crate::ffmpeg::arguments::Sizes;
use crate::ffmpeg::exit::damage_from_exit;
use crate::ffmpeg::input::Input;
use crate::ffmpeg::pictures::{Given, check_duration};
use crate::io::loopback::Shape;
use crate::output::Output;
use crate::plan::moments::Moments;

/// Has ffmpeg decode all of a video, and gives the frames on screen to `output`. `damaged` is what is
/// known to be wrong with it before. Where its pictures have more than one size, the engine must know
/// that before it begins.
pub(super) async fn extract_frames(
    video: FrontToBack<'_>,
    damaged: Option<String>,
    has_other_sizes: bool,
    counters: &Counters,
    output: &mut Output,
) -> Result<Outcome, PlanFailure> {
    let FrontToBack {
        ffmpeg,
        source,
        format,
        options,
        ..
    } = video;
    let input = Input::new(source, Shape::SWEEP)?;
    let sizes = if has_other_sizes {
        Sizes::Told
    } else {
        Sizes::First
    };
    let mut true_sizes = TrueSizes::new(video, &input);
    let mut pictures = video.start(&input, sizes)?;
    let mut frames = ScreenFrames::new(Moments::new(options));
    let mut duration = None;
    let mut file_end = None;
    let several = ffmpeg.threads.get() > 1;
    while !frames.is_complete() {
        if several && pictures.complained() {
            pictures.kill().await?;
            return Err(PlanFailure::Concealed);
        }
        if pictures.has_other_sizes() && !has_other_sizes {
            pictures.kill().await?;
            return Err(PlanFailure::OtherSizes);
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
                    counters.set_span(options, end);
                    file_end = format.knows_its_end().then(|| nanos(end));
                }
            }
            Given::Presentation(other) => {
                pictures.kill().await?;
                return Err(PlanFailure::Presentation(other));
            }
            Given::Time(time, coded) => frames.begins(time, coded),
            Given::Picture(end, picture) => frames.picture(end, picture),
            Given::End => break,
        }
        while let Some(frame) = frames.next()? {
            output.frame(true_sizes.of(frame).await?).await?;
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
        if ended.log.other_sizes && !has_other_sizes {
            return Err(PlanFailure::OtherSizes);
        }
        let found = damage_from_exit(&ended, frames.seen(), &options.limits)?;
        let damaged = found.or(damaged);
        // Of a damaged video it is not known what would have come after the last frame.
        let file_end = file_end.filter(|_| damaged.is_none());
        match frames.last(file_end, options.mode) {
            Ok(last) => {
                if let Some(frame) = last {
                    output.frame(true_sizes.of(frame).await?).await?;
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
