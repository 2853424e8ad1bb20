//! Reading only what the wanted frames depend on.
//!
//! Bytes are fetched several ranges at a time, in order; what becomes of them is written to a
//! decoder's input while its frames are read, each of which must be the one that was planned.
//! The first thing that is not as planned ends this way: what has been given by then is right,
//! and the rest must be had by reading all of the video.

mod decoder;
mod feeding;
mod fetch;

use std::sync::Arc;

use futures::future::try_join;
use tokio::sync::mpsc;

use crate::counters::Counters;
use crate::error::ExtractError;
use crate::feed::Surprise;
use crate::ffmpeg::Ffmpeg;
use crate::frames::check_duration;
use crate::index::Index;
use crate::options::Options;
use crate::output::Output;
use crate::plan::Plan;
use crate::source::{Source, SourceError};
use crate::whole::Finding;
use decoder::Decoder;

/// Why a plan was not carried out to its end.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The video is not as its index says: another way may do.
    Off(Surprise),
    /// No other way would do.
    Over(ExtractError),
}

impl From<ExtractError> for Broken {
    fn from(error: ExtractError) -> Self {
        Self::Over(error)
    }
}

impl From<SourceError> for Broken {
    fn from(error: SourceError) -> Self {
        Self::Over(error.into())
    }
}

impl From<Surprise> for Broken {
    fn from(surprise: Surprise) -> Self {
        Self::Off(surprise)
    }
}

/// Acts that may wait for the decoder; each has at most a batch of the feeder's bytes.
const WAITING: usize = 4;

/// Carries out `plan`, made of `index`, and gives its frames to `output`.
pub(crate) async fn run(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    (index, plan): (&Index, &Plan),
    options: &Options,
    counters: &Counters,
    output: &mut Output,
) -> Result<Finding, Broken> {
    let duration = seconds(index.duration_ms);
    check_duration(options, source.len(), duration)?;
    let from = options.from.unwrap_or_default().as_secs_f64();
    let to = options
        .to
        .map_or(duration, |to| to.as_secs_f64().min(duration));
    counters.set_span(from..to);
    output.start_at(0.0);

    let (sender, receiver) = mpsc::channel(WAITING);
    let feeding = fetch::feed(source.as_ref(), index, plan, sender);
    let decoding = Decoder::new(ffmpeg, options, index, plan).run(receiver, output);
    try_join(feeding, decoding).await?;
    Ok(Finding {
        duration: (duration > 0.0).then_some(duration),
        damaged: None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "285 thousand years fit")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
