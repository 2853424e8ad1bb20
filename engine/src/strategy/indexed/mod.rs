//! Reading only what the wanted frames depend on.
//!
//! Bytes are fetched several ranges at a time, in order; what becomes of them is written to a
//! decoder's input while its frames are read, each of which must be the one that was planned. Where
//! there is enough to do, parts of the plan are decoded beside each other.
//! The first thing that is not as planned ends this way: what has been given by then is right,
//! and the rest must be had by reading all of the video.

mod decoder;
mod feeding;
mod fetch;
mod parts;
mod planned_samples;
pub(crate) mod remuxer;

use std::sync::Arc;

use futures::future::try_join;
use tokio::sync::mpsc;

use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::Index;
use crate::counters::Counters;
use crate::ffmpeg::pictures::check_duration;
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::program::Ffmpeg;
use crate::io::source::Source;
use crate::options::Options;
use crate::output::Output;
use crate::plan::Plan;
use crate::strategy::outcome::{Outcome, PlanFailure, PlanMismatch};
use decoder::Decoder;
use parts::FrameReceiver;

/// Steps that may wait for the decoder; each has at most a batch of the remuxer's bytes.
const WAITING: usize = 4;

/// Carries out `plan`, made of `index`, and gives its frames to `output`.
pub(crate) async fn extract_frames(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    (index, plan): (&Index, &Plan),
    options: &Options,
    presentation: &Presentation,
    counters: &Counters,
    output: &mut Output,
) -> Result<Outcome, PlanFailure> {
    let duration = seconds(index.duration_ms);
    check_duration(options, source.len(), duration)?;
    counters.set_span(options, duration);

    let work = Work {
        source: source.as_ref(),
        index,
        options,
        presentation,
    };
    let mismatch = |unusable: IndexUnusable| PlanMismatch(unusable.to_string());
    let parts = parts::split(index, plan, ffmpeg.threads).map_err(mismatch)?;
    if parts.is_empty() {
        let mut output = FrameReceiver::Output(output);
        decode_in_order(ffmpeg, work, plan, fetch::AHEAD, &mut output).await?;
    } else {
        parts::decode_at_once(ffmpeg, work, &parts, output).await?;
    }
    Ok(Outcome {
        duration: (duration > 0.0).then_some(duration),
        damaged: None,
    })
}

/// What is decoded, and how.
#[derive(Clone, Copy)]
struct Work<'a> {
    source: &'a dyn Source,
    index: &'a Index,
    options: &'a Options,
    presentation: &'a Presentation,
}

/// Carries out `plan` from its first GOP run to its last, and gives its frames to `receiver`.
async fn decode_in_order(
    ffmpeg: &Ffmpeg,
    work: Work<'_>,
    plan: &Plan,
    ahead: usize,
    receiver: &mut FrameReceiver<'_>,
) -> Result<(), PlanFailure> {
    let (sender, steps) = mpsc::channel(WAITING);
    let feeding = fetch::fetch_and_remux(work.source, work.index, plan, ahead, sender);
    let decoder = Decoder::new(ffmpeg, work.options, work.presentation, work.index, plan);
    try_join(feeding, decoder.decode(steps, receiver)).await?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "285 thousand years fit")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
