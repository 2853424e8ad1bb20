//! Reading here and there in a Matroska or `WebM` file: one ffmpeg for each moment, which begins at the
//! keyframe before it.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};

use super::on_screen::{ScreenFrames, nanos};
use super::outcome::{OTHER_SIZES, Outcome, PlanFailure, PlanMismatch};
use crate::container::matroska::cues::Cues;
use crate::container::sniff::ContainerFormat;
use crate::counters::Counters;
use crate::ffmpeg::arguments::{self, Sizes, Zero};
use crate::ffmpeg::input::Input;
use crate::ffmpeg::layout::Layout;
use crate::ffmpeg::log::Log;
use crate::ffmpeg::pictures::{Given, Pictures, check_duration};
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::process::{Reads, Running};
use crate::ffmpeg::program::Ffmpeg;
use crate::io::loopback::Shape;
use crate::io::source::Source;
use crate::options::{Mode, Options};
use crate::output::{Frame, Output};
use crate::plan::moments::Moments;

/// Intervals shorter than this, in seconds, are not worth a process each.
const MIN_INTERVAL: f64 = 4.0;

/// Whether seeking is worth while.
pub(crate) fn is_worthwhile(cues: &Cues, options: &Options) -> bool {
    let every = options.every.as_secs_f64();
    options.mode == Mode::Exact && every >= MIN_INTERVAL && every >= 2.0 * cues.distance()
}

/// Seeks for the frame at every moment of `source`, and gives it to `output`.
pub(crate) async fn extract_frames(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    cues: &Cues,
    options: &Options,
    presentation: &Presentation,
    counters: &Counters,
    output: &mut Output,
) -> Result<Outcome, PlanFailure> {
    check_duration(options, source.len(), cues.duration)?;
    let input = Input::new(source, Shape::SEEK)?;
    let moments = Moments::new(options);
    let end = Duration::try_from_secs_f64(cues.duration).unwrap_or(Duration::MAX);
    counters.set_span(options, end.as_secs_f64());
    let seeker = &Seeker {
        ffmpeg,
        input: &input,
        cues,
        options,
        presentation,
        start: start_of_input(ffmpeg, &input, options, presentation).await?,
    };
    let end = i128::try_from(end.as_micros()).unwrap_or(i128::MAX);
    let mut found = stream::iter(0..moments.before(end, 1_000_000))
        .map(|number| async move { (number, seeker.on_screen_at(moments.millis(number)).await) })
        .buffered(ffmpeg.threads.get());
    let mut held: Option<Frame> = None;
    while let Some((number, frame)) = found.next().await {
        let frame = frame?;
        match &mut held {
            // On screen at several moments.
            Some(held) if held.begins.to_bits() == frame.begins.to_bits() => {
                held.moments.end = number + 1;
            }
            _ => {
                let next = Frame {
                    moments: number..number + 1,
                    ..frame
                };
                if let Some(done) = held.replace(next) {
                    output.frame(done).await?;
                }
            }
        }
    }
    if let Some(last) = held {
        output.frame(last).await?;
    }
    Ok(Outcome {
        duration: Some(cues.duration),
        damaged: None,
    })
}

/// Where the file says that it starts, in seconds: ffmpeg counts from there where it does not seek.
async fn start_of_input(
    ffmpeg: &Ffmpeg,
    input: &Input,
    options: &Options,
    presentation: &Presentation,
) -> Result<f64, PlanFailure> {
    let moments = (&Moments::single(0), presentation);
    let arguments = ffmpeg_arguments(ffmpeg, input, options, moments, Vec::new());
    let files = presentation.files();
    let running = Running::start(
        ffmpeg,
        &options.limits,
        Reads::Input(input),
        &files,
        arguments,
    )?;
    let layout = Layout::TimesAndPictures;
    let mut pictures = Pictures::new(running, layout, options, presentation)?;
    let told = pictures.next().await?;
    // How the video is to be shown is told before any frame. Learnt here, it fails no start for a frame.
    let next = match told {
        Given::Input { .. } => Some(pictures.next().await?),
        _ => None,
    };
    let log = pictures.kill().await?;
    input.check()?;
    match (told, next) {
        (_, Some(Given::Presentation(other))) => Err(PlanFailure::Presentation(other)),
        (Given::Input { start, .. }, _) => Ok(start),
        _ => Err(mismatch(&log)),
    }
}

fn mismatch(log: &Log) -> PlanFailure {
    let first = log.first.first().cloned();
    PlanMismatch(first.unwrap_or_else(|| "the video does not begin".into())).into()
}

fn ffmpeg_arguments(
    ffmpeg: &Ffmpeg,
    input: &Input,
    options: &Options,
    (moments, presentation): (&Moments, &Presentation),
    seek: Vec<OsString>,
) -> Vec<OsString> {
    let single = Ffmpeg {
        threads: NonZeroUsize::MIN,
        ..ffmpeg.clone()
    };
    let demuxers = ContainerFormat::Matroska.demuxers();
    let limits = &options.limits;
    let mut arguments = arguments::before_input(&single, limits, demuxers, input.protocols());
    arguments.extend(seek);
    arguments.extend(presentation.decoder().iter().map(OsString::from));
    arguments.extend(input.arguments_for_seeking());
    arguments.extend(arguments::on_screen(
        options,
        moments,
        Zero::Input,
        presentation,
        Sizes::First,
    ));
    arguments
}

/// Starts one ffmpeg for one frame.
struct Seeker<'a> {
    ffmpeg: &'a Ffmpeg,
    input: &'a Input,
    cues: &'a Cues,
    options: &'a Options,
    presentation: &'a Presentation,
    /// Where the file says that it starts, in seconds.
    start: f64,
}

impl Seeker<'_> {
    /// The frame on screen at so many milliseconds.
    async fn on_screen_at(&self, millis: i128) -> Result<Frame, PlanFailure> {
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        let moments = Moments::single(millis);
        #[expect(clippy::cast_precision_loss, reason = "285 thousand years fit")]
        let seek = millis as f64 / 1e3 + self.start;
        // Timestamps as they are in the file, less its start: what they are without seeking.
        let arguments = [
            "-copyts".to_owned(),
            "-itsoffset".to_owned(),
            format!("{:.6}", -self.start),
            "-noaccurate_seek".to_owned(),
            "-ss".to_owned(),
            format!("{seek:.6}"),
        ];
        let arguments = arguments.into_iter().map(OsString::from).collect();
        let (ffmpeg, options, presentation) = (self.ffmpeg, self.options, self.presentation);
        let shown = (&moments, presentation);
        let arguments = ffmpeg_arguments(ffmpeg, self.input, options, shown, arguments);
        let files = presentation.files();
        let running = Running::start(
            ffmpeg,
            &options.limits,
            Reads::Input(self.input),
            &files,
            arguments,
        )?;
        let layout = Layout::TimesAndPictures;
        let mut pictures = Pictures::new(running, layout, options, presentation)?;
        let mut frames = ScreenFrames::new(moments);
        let mut first = None;
        let frame = loop {
            match pictures.next().await? {
                Given::Input { .. } => {}
                Given::Presentation(other) => {
                    pictures.kill().await?;
                    return Err(PlanFailure::Presentation(other));
                }
                Given::Time(time, coded) => {
                    first.get_or_insert(time);
                    frames.begins(time, coded);
                }
                Given::Picture(end, picture) => frames.picture(end, picture),
                Given::End => break frames.last(Some(nanos(self.cues.duration)), Mode::Exact)?,
            }
            if let Some(frame) = frames.next()? {
                break Some(frame);
            }
        };
        let complained = pictures.complained();
        let log = pictures.kill().await?;
        if log.other_sizes {
            return Err(PlanMismatch(OTHER_SIZES.into()).into());
        }
        self.input.check()?;
        // Before the first frame of all, that one is shown; else it must have begun.
        let at = i64::try_from(u128::from(millis) * 1_000_000).unwrap_or(i64::MAX);
        let late = first.is_none_or(|first| first > at);
        let is_first = self.cues.times.first().is_some_and(|&time| time >= millis);
        match frame {
            Some(frame) if !complained && (!late || is_first) => Ok(frame),
            _ => Err(mismatch(&log)),
        }
    }
}
