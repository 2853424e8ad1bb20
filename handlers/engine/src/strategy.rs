//! Which way to read a video: the least that will do, and step by step down to all of it.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::container::inspect;
use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::Ffmpeg;
use crate::index::{self, Index, Unfit};
use crate::indexed::{self, Broken};
use crate::options::Options;
use crate::output::Output;
use crate::plan::{Because, Plan};
use crate::reason::Reason;
use crate::sniff::{Family, HEAD, Kind, sniff};
use crate::source::Source;
use crate::whole::{self, Finding};

/// How a video is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only the samples that the wanted frames depend on, found by the video's own index.
    Indexed,
    /// By seeking, one block after another.
    Blocks,
    /// All of it, from front to back.
    Whole,
}

/// Says how the frames of `source` would be got at, without doing it.
///
/// # Errors
/// What ends an extraction before anything is decoded.
pub async fn plan(source: &dyn Source, options: &Options) -> Result<Plan, ExtractError> {
    let (head, family) = begin(source, options).await?;
    let way = way(source, head, family, options).await?;
    Ok(way.map_or_else(|plan| plan, |(_, plan)| plan))
}

/// Checks what can be checked before anything is decoded, and reads the video's first bytes.
pub(crate) async fn begin(
    source: &dyn Source,
    options: &Options,
) -> Result<(Bytes, Family), ExtractError> {
    options.check().map_err(ExtractError::Options)?;
    let (length, limit) = (source.len(), options.limits.input_bytes);
    if length > limit {
        return Err(Reason::TooLarge { limit }.into());
    }
    if length == 0 {
        return Err(Reason::Empty.into());
    }
    let head = source.read(0..length.min(HEAD)).await?;
    match sniff(&head) {
        Kind::Video(family) => Ok((head, family)),
        Kind::Audio => Err(Reason::NoVideoStream.into()),
        Kind::Unknown => Err(Reason::NotVideo.into()),
    }
}

/// The plan, with the index that it was made of if it is one of samples.
async fn way(
    source: &dyn Source,
    head: Bytes,
    family: Family,
    options: &Options,
) -> Result<Result<(Index, Plan), Plan>, ExtractError> {
    let length = source.len();
    let whole = |unfit| Plan::whole(length, Because::Unfit(unfit));
    if family != Family::Iso {
        return Ok(Err(whole(Unfit::NotMp4)));
    }
    let index = match index::open(source, head).await? {
        Ok(index) => index,
        Err(unfit) => return Ok(Err(whole(unfit))),
    };
    let plan = match Plan::indexed(&index, length, options) {
        Ok(plan) => plan,
        Err(unfit) => return Ok(Err(whole(unfit))),
    };
    let limit = options.limits.frames;
    if plan.targets.len() as u64 > limit {
        return Err(Reason::TooManyFrames { limit }.into());
    }
    Ok(Ok((index, plan)))
}

/// Gives the frames of `source` to `output`, and says how and why so.
pub(crate) async fn run(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    options: &Options,
    counters: &Counters,
    output: &mut Output,
) -> Result<(Finding, Strategy, Because), ExtractError> {
    let (head, family) = begin(source.as_ref(), options).await?;
    let because = match way(source.as_ref(), head.clone(), family, options).await? {
        Err(plan) => plan.because,
        Ok((index, plan)) => {
            let planned = (&index, &plan);
            match indexed::run(ffmpeg, source, planned, options, counters, output).await {
                Ok(finding) => return Ok((finding, Strategy::Indexed, plan.because)),
                Err(Broken::Over(error)) => return Err(error),
                Err(Broken::Off(surprise)) => {
                    tracing::warn!(%surprise, "the index does not hold; all is read");
                    output.restart();
                    Because::Surprise(surprise.0)
                }
            }
        }
    };
    tracing::info!(code = because.code(), reason = %because, "all of the video is read");
    let structure = inspect(source.as_ref(), family, &head).await?;
    if structure.encrypted {
        return Err(Reason::Encrypted.into());
    }
    let mut finding = whole::run(ffmpeg, source, family, options, counters, output).await?;
    finding.damaged = finding.damaged.or(structure.truncated);
    Ok((finding, Strategy::Whole, because))
}
