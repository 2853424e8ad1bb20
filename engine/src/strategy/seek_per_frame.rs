//! Reading here and there in a Matroska or `WebM` file: one ffmpeg for each wanted frame, which
//! begins at the keyframe before it.
//!
//! The frames are those of the whole strategy: the first run finds where the video starts, and
//! every further one computes with the same numbers as if it had come from there.

use std::ffi::OsString;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};

use crate::container::matroska::cues::Cues;
use crate::container::sniff::ContainerFormat;
use crate::counters::Counters;
use crate::ffmpeg::arguments::{self, TAKE, seconds, since, until_end};
use crate::ffmpeg::frames::{Frame, Frames, Next, check_duration};
use crate::ffmpeg::input::Input;
use crate::ffmpeg::log::Log;
use crate::ffmpeg::process::{Running, Stdin};
use crate::ffmpeg::program::Ffmpeg;
use crate::io::loopback::Shape;
use crate::io::source::Source;
use crate::options::{Mode, Options};
use crate::output::Output;
use crate::strategy::outcome::Outcome;
use crate::strategy::outcome::PlanFailure;
use crate::strategy::outcome::PlanMismatch;

/// Intervals shorter than this, in seconds, are not worth a process each.
const MIN_INTERVAL: f64 = 4.0;

/// Whether seeking is worth while.
pub(crate) fn is_worthwhile(cues: &Cues, options: &Options) -> bool {
    let every = options.every.as_secs_f64();
    options.mode == Mode::Exact && every >= MIN_INTERVAL && every >= 2.0 * cues.distance()
}

/// Seeks for every frame that is wanted of `source`, and gives it to `output`.
pub(crate) async fn extract_frames(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    cues: &Cues,
    options: &Options,
    counters: &Counters,
    output: &mut Output,
) -> Result<Outcome, PlanFailure> {
    check_duration(options, source.len(), cues.duration)?;
    let input = Input::new(source, Shape::SEEK)?;
    let seeker = Seeker {
        ffmpeg,
        input: &input,
        options,
    };
    let start = seeker.start().await?;
    output.start_at(start.frame.timestamp);
    let from = options.from.unwrap_or_default();
    let end = Duration::try_from_secs_f64(cues.duration).unwrap_or(Duration::MAX);
    let to = options.to.map_or(end, |to| to.min(end));
    counters.set_span(from.as_secs_f64()..to.as_secs_f64());
    let start = &start;
    let seeker = &seeker;
    let mut found = stream::iter(0..intervals(from..to, options.every))
        .map(|interval| async move { (interval, seeker.first_of(interval, start).await) })
        .buffered(ffmpeg.threads.get());
    let mut last = None;
    while let Some((interval, frame)) = found.next().await {
        let Some(frame) = frame? else {
            input.check()?;
            // The playing time is that of the longest track.
            if interval_start(options, interval) <= last_cue(cues) - start.frame.timestamp {
                return Err(PlanMismatch(format!("no frame in interval {interval}")).into());
            }
            break;
        };
        // In a gap, several intervals have the same first frame after them.
        if last.replace(frame.timestamp) != Some(frame.timestamp) {
            output.frame(frame).await?;
        }
    }
    Ok(Outcome {
        duration: Some(cues.duration),
        damaged: None,
    })
}

/// How many intervals begin within `span`; as many as there may be frames.
fn intervals(span: Range<Duration>, every: Duration) -> u64 {
    let length = span.end.saturating_sub(span.start);
    let count = length.as_nanos().div_ceil(every.as_nanos().max(1));
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "285 years fit")]
fn interval_start(options: &Options, interval: u64) -> f64 {
    let from = options.from.unwrap_or_default().as_secs_f64();
    (interval as f64).mul_add(options.every.as_secs_f64(), from)
}

#[expect(clippy::cast_precision_loss, reason = "285 years fit")]
fn last_cue(cues: &Cues) -> f64 {
    cues.times.last().map_or(0.0, |&time| time as f64 / 1e3)
}

/// The video's first frame.
struct Start {
    frame: Frame,
    /// Its timestamp in milliseconds, Matroska's ticks.
    ticks: i64,
    /// Where the file says that it starts, in seconds: ffmpeg counts from there.
    file: f64,
}

/// Starts one ffmpeg for one frame.
struct Seeker<'a> {
    ffmpeg: &'a Ffmpeg,
    input: &'a Input,
    options: &'a Options,
}

impl Seeker<'_> {
    async fn start(&self) -> Result<Start, PlanFailure> {
        let (frame, log) = self
            .run_until_selected(Vec::new(), &format!("if(eq(n,0),{TAKE},0)"))
            .await?;
        let (Some(frame), Some(file)) = (frame, log.start) else {
            return Err(PlanMismatch("the video has no first frame".into()).into());
        };
        #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
        let ticks = (frame.timestamp * 1e3).round() as i64;
        Ok(Start { frame, ticks, file })
    }

    /// The first frame in or after an interval.
    async fn first_of(&self, interval: u64, start: &Start) -> Result<Option<Frame>, PlanFailure> {
        if interval == 0 && self.options.from.is_none_or(|from| from.is_zero()) {
            return Ok(Some(start.frame.clone()));
        }
        let Start { ticks, file, .. } = start;
        let every = seconds(self.options.every);
        let from = seconds(self.options.from.unwrap_or_default());
        let now = since("pts", &ticks.to_string());
        let wanted = format!("gte({now},{from})*gte(floor(({now}-{from})/{every}),{interval})");
        let select = until_end(self.options, &now, format!("if({wanted},{TAKE},0)"));
        let seek = interval_start(self.options, interval) + start.frame.timestamp;
        // Timestamps as they are in the file, less its start: what they are without seeking.
        let unshifted = ["-copyts", "-itsoffset", &format!("{:.6}", -file)];
        let unshifted = unshifted.iter().map(OsString::from);
        let seek = [
            "-noaccurate_seek".into(),
            "-ss".into(),
            format!("{seek:.6}").into(),
        ];
        let (frame, _) = self
            .run_until_selected(unshifted.chain(seek).collect(), &select)
            .await?;
        Ok(frame)
    }

    /// Runs ffmpeg up to the first frame that `select` takes.
    async fn run_until_selected(
        &self,
        before: Vec<OsString>,
        select: &str,
    ) -> Result<(Option<Frame>, Log), PlanFailure> {
        let (limits, protocols) = (&self.options.limits, self.input.protocols());
        let demuxers = ContainerFormat::Matroska.demuxers();
        let single = Ffmpeg {
            threads: std::num::NonZeroUsize::MIN,
            ..self.ffmpeg.clone()
        };
        let mut arguments = arguments::before_input(&single, limits, demuxers, protocols);
        arguments.extend(before);
        arguments.extend(self.input.arguments_for_seeking());
        arguments.extend(arguments::after_input(self.options, select));
        let running = Running::start(self.ffmpeg, limits, Stdin::Closed, arguments)?;
        let mut frames = Frames::new(running, self.options)?;
        let frame = loop {
            match frames.next().await? {
                Next::Frame(frame) => break Some(frame),
                Next::Duration(_) => {}
                Next::End { .. } => break None,
            }
        };
        let complained = frames.complained();
        let log = match frame {
            Some(_) => frames.kill().await?,
            None => frames.wait().await?.log,
        };
        self.input.check()?;
        if complained {
            let what = log.first.first().cloned().unwrap_or_default();
            return Err(PlanMismatch(what).into());
        }
        Ok((frame, log))
    }
}
