//! The whole way from a video to its zip.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;

use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::program::Ffmpeg;
use crate::io::metered::Metered;
use crate::io::sink::Sink;
use crate::io::source::Source;
use crate::options::{Format, OnDamage, Options};
use crate::output::Output;
use crate::plan::{Strategy, StrategyReason};
use crate::previews::{self, Previews};
use crate::progress::ProgressListener;
use crate::reason::Reason;
use crate::strategy;

/// What an extraction did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Extraction {
    /// Frames in the zip.
    pub frames: u64,
    /// Moments that have a frame: rows of `frames.csv`.
    pub moments: u64,
    /// The video's playing time, where it is known.
    pub duration: Option<Duration>,
    /// The video's size in bytes.
    pub source_bytes: u64,
    /// Bytes of the video that were read.
    pub bytes_read: u64,
    /// Reads that were asked of the source.
    pub requests: u64,
    /// Bytes of the zip.
    pub bytes_written: u64,
    /// How the video was read.
    pub strategy: Strategy,
    /// Why that strategy was taken.
    pub strategy_reason: StrategyReason,
    /// What is wrong with the video, where its frames were kept all the same.
    pub damaged: Option<String>,
    /// The pictures made beside the frames, where they were asked for.
    #[serde(skip)]
    pub previews: Option<Previews>,
}

impl Extraction {
    /// What the video's owner should know of the frames, in a sentence.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        self.damaged.as_deref().map(warning)
    }
}

fn warning(damage: &str) -> String {
    format!(
        "The video is damaged or incomplete ({damage}); these are the frames that could be read, \
         and some may not look as they should."
    )
}

/// Extracts frames of `source` into a zip in `sink`.
///
/// The zip holds whole stored entries `frame_00001.jpg`, … and at last `frames.csv` with the
/// columns `file,seconds,at`, a row for each moment: the frame on screen then, when that frame begins,
/// and the moment; of a damaged video it has one more, `warning`. Times are those of the player's clock, whose zero is the file's: a first frame may
/// begin later. Dropping the future kills
/// ffmpeg and aborts the sink.
///
/// # Errors
/// By what the caller does next; the sink has then been aborted.
pub async fn extract(
    ffmpeg: &Ffmpeg,
    source: Arc<dyn Source>,
    sink: Box<dyn Sink>,
    options: &Options,
    listener: &dyn ProgressListener,
) -> Result<Extraction, ExtractError> {
    if options.format == Format::Webp && !ffmpeg.libwebp {
        sink.abort().await;
        let what = "this ffmpeg cannot write WebP: it was built without libwebp";
        return Err(ExtractError::Options(what.into()));
    }
    let counters = Arc::new(Counters::default());
    let mut output = Output::new(sink, options, Arc::clone(&counters));
    let source: Arc<dyn Source> = Arc::new(Metered::new(source, Arc::clone(&counters)));
    // Boxed: it is large, and would be moved along with whatever awaits it.
    let work = Box::pin(write_zip(ffmpeg, &source, options, &counters, &mut output));
    let done = tokio::select! {
        done = work => done,
        stopped = supervise(listener, &counters, options) => Err(stopped),
    };
    let mut extraction = match done {
        Ok(extraction) => extraction,
        Err(error) => {
            output.abort().await;
            return Err(error);
        }
    };
    // Whether it has become visible could not be told if this were stopped half-way.
    tokio::select! {
        done = output.finish() => done?,
        never = keep_telling(listener, &counters) => match never {},
    }
    extraction.bytes_written = counters.bytes_written.load(Relaxed);
    Ok(extraction)
}

/// All up to the zip's last byte.
async fn write_zip(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    options: &Options,
    counters: &Counters,
    output: &mut Output,
) -> Result<Extraction, ExtractError> {
    let (outcome, strategy, strategy_reason) =
        strategy::extract_frames(ffmpeg, source, options, counters, output).await?;
    if let (Some(detail), OnDamage::Fail) = (&outcome.damaged, options.damaged) {
        let (detail, frames) = (detail.clone(), output.frames());
        return Err(Reason::Damaged { detail, frames }.into());
    }
    if output.frames() == 0 {
        return Err(Reason::NoFrames.into());
    }
    source.verify().await?;
    let collector = output.take_collector();
    let previews = previews::make(ffmpeg, options, collector, outcome.duration).await?;
    let warning = outcome.damaged.as_deref().map(warning);
    output.end(warning.as_deref()).await?;
    Ok(Extraction {
        frames: output.frames(),
        moments: output.moments(),
        duration: outcome
            .duration
            .and_then(|d| Duration::try_from_secs_f64(d).ok()),
        source_bytes: source.len(),
        bytes_read: match (strategy, source.path()) {
            // ffmpeg has read the file itself.
            (Strategy::FullDecode, Some(_)) => source.len(),
            _ => counters.bytes_read.load(Relaxed),
        },
        requests: counters.requests.load(Relaxed),
        bytes_written: 0,
        strategy,
        strategy_reason,
        damaged: outcome.damaged,
        previews,
    })
}

/// Tells the listener once a second how things stand, and takes no notice of what it says.
async fn keep_telling(listener: &dyn ProgressListener, counters: &Counters) -> Infallible {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Err(cancelled) = listener.on_progress(counters.progress()).await {
            tracing::warn!(%cancelled, "too late to stop: the zip is complete");
        }
    }
}

/// Tells the listener once a second how things stand, until it or the clock says stop.
async fn supervise(
    listener: &dyn ProgressListener,
    counters: &Counters,
    options: &Options,
) -> ExtractError {
    let wall = options.limits.wall;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listening = async {
        loop {
            seconds.tick().await;
            if let Err(cancelled) = listener.on_progress(counters.progress()).await {
                return ExtractError::Cancelled(cancelled);
            }
        }
    };
    tokio::time::timeout(wall, listening)
        .await
        .unwrap_or_else(|_| {
            Reason::TookTooLong {
                limit: wall.as_secs(),
            }
            .into()
        })
}
