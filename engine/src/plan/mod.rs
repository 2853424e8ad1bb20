//! What is to be read and decoded for the wanted frames: plain data, made without any input or
//! output, that can be printed and tested.

mod gop_runs;
pub(crate) mod moments;
mod ranges;
mod strategy;
mod targets;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::{Codec, Index, TrackChoice};
use crate::options::Options;
use ranges::share;

pub use gop_runs::GopRun;
pub use strategy::{Strategy, StrategyReason};

/// How the frames of one video are got at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// How the video is read.
    pub strategy: Strategy,
    /// Why so.
    pub reason: StrategyReason,
    /// The video's size in bytes.
    pub source_bytes: u64,
    /// How the frames are coded, where the index says so.
    pub codec: Option<Codec>,
    /// Which of the video's tracks is shown and why, where the index says so; else
    /// [`shown_track`](crate::shown_track) asks ffmpeg.
    pub track: Option<TrackChoice>,
    /// Bytes that will be read, the index apart; all of them where it is not planned.
    pub planned_bytes: u64,
    /// `planned_bytes` of `source_bytes`, from 0 to 1.
    pub share: f64,
    /// Samples that will be fed to the decoder, before those that nothing depends on are left out.
    pub samples: u64,
    /// The wanted frames, in the order they are shown; empty where they are not planned.
    pub targets: Vec<Target>,
    /// What must be decoded for them, in decoding order.
    pub gop_runs: Vec<GopRun>,
    /// The bytes to fetch, ascending.
    pub ranges: Vec<Range<u64>>,
}

/// A wanted frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its sample, counted from zero in decoding order.
    pub sample: u32,
    /// When it begins, in seconds on the player's clock.
    pub seconds: f64,
    /// The moments at which it is on screen, counted from zero.
    pub moments: Range<u64>,
}

impl Plan {
    /// Decodes everything, because of `reason`.
    #[must_use]
    pub(crate) fn full_decode(source_bytes: u64, reason: StrategyReason) -> Self {
        Self {
            strategy: Strategy::FullDecode,
            reason,
            source_bytes,
            codec: None,
            track: None,
            planned_bytes: source_bytes,
            share: 1.0,
            samples: 0,
            targets: Vec::new(),
            gop_runs: Vec::new(),
            ranges: Vec::new(),
        }
    }

    /// The part of it that these of its GOP runs are. Its targets are counted anew.
    ///
    /// # Errors
    /// Why its bytes cannot be read in order; then those of the whole cannot be either.
    pub(crate) fn part(&self, index: &Index, runs: Range<usize>) -> Result<Self, IndexUnusable> {
        let of_plan = self.gop_runs.get(runs).unwrap_or_default();
        let (first, last) = match of_plan {
            [first, .., last] => (first.targets.start, last.targets.end),
            [only] => (only.targets.start, only.targets.end),
            [] => (0, 0),
        };
        let gop_runs = of_plan.iter().map(|run| GopRun {
            samples: run.samples.clone(),
            targets: run.targets.start - first..run.targets.end - first,
        });
        let gop_runs: Vec<GopRun> = gop_runs.collect();
        let (mut ranges, _) = ranges::byte_ranges(index, &gop_runs, self.source_bytes)?;
        if self.reason == StrategyReason::Sweep
            && let (Some(first), Some(last)) = (ranges.first(), ranges.last())
        {
            let sweep = first.start..last.end;
            ranges = Vec::from([sweep]);
        }
        let planned_bytes = ranges.iter().map(|range| range.end - range.start).sum();
        let targets = self.targets.get(first as usize..last as usize);
        Ok(Self {
            strategy: self.strategy,
            reason: self.reason.clone(),
            source_bytes: self.source_bytes,
            codec: self.codec.clone(),
            track: self.track,
            planned_bytes,
            share: share(planned_bytes, self.source_bytes),
            samples: gop_runs.iter().map(|run| run.samples.len() as u64).sum(),
            targets: targets.unwrap_or_default().to_vec(),
            gop_runs,
            ranges,
        })
    }

    /// What is needed of the video that `index` describes, `source_bytes` long.
    ///
    /// # Errors
    /// Why its frames cannot be had one by one.
    pub(crate) fn indexed(
        index: &Index,
        source_bytes: u64,
        options: &Options,
    ) -> Result<Self, IndexUnusable> {
        let targets = targets::choose(index, options)?;
        let gop_runs = gop_runs::from_targets(index, &targets)?;
        let (ranges, swept) = ranges::byte_ranges(index, &gop_runs, source_bytes)?;
        let planned_bytes = ranges.iter().map(|range| range.end - range.start).sum();
        let timescale = f64::from(index.timescale);
        Ok(Self {
            strategy: Strategy::Indexed,
            reason: if swept {
                StrategyReason::Sweep
            } else {
                StrategyReason::Sparse
            },
            source_bytes,
            codec: Some(index.codec.clone()),
            track: Some(index.track),
            planned_bytes,
            share: share(planned_bytes, source_bytes),
            samples: gop_runs
                .iter()
                .map(|gop_run| gop_run.samples.len() as u64)
                .sum(),
            targets: targets
                .iter()
                .map(|target| Target {
                    sample: target.sample,
                    seconds: ticks(target.ticks) / timescale,
                    moments: target.moments.clone(),
                })
                .collect(),
            gop_runs,
            ranges,
        })
    }
}

/// Ticks as a floating-point number, as ffmpeg computes with them.
#[expect(
    clippy::cast_precision_loss,
    reason = "below 2⁵³, see `targets::MAX_TICKS`"
)]
fn ticks(ticks: i64) -> f64 {
    ticks as f64
}
