//! Which way to read a video: the least that will do, and step by step down to all of it.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::container::{Structure, inspect};
use crate::counters::Counters;
use crate::cues::{self, Cues};
use crate::error::ExtractError;
use crate::ffmpeg::Ffmpeg;
use crate::index::{self, Index, Unfit};
use crate::indexed::{self, Broken};
use crate::options::Options;
use crate::output::Output;
use crate::plan::{Because, Plan};
use crate::reason::Reason;
use crate::seeking;
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
    Ok(match way(source, head, family, options).await? {
        Way::Indexed(_, plan) | Way::Blocks(_, plan) | Way::Whole(plan) => plan,
    })
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

/// A plan, with what it was made of.
enum Way {
    Indexed(Index, Plan),
    Blocks(Cues, Plan),
    Whole(Plan),
}

/// The way that costs least.
async fn way(
    source: &dyn Source,
    head: Bytes,
    family: Family,
    options: &Options,
) -> Result<Way, ExtractError> {
    let length = source.len();
    let whole = |unfit| Ok(Way::Whole(Plan::whole(length, Because::Unfit(unfit))));
    match family {
        Family::Iso => {}
        Family::Matroska => {
            return match cues::open(source, &head).await? {
                Ok(cues) if seeking::pays(&cues, options) => {
                    Ok(Way::Blocks(cues, Plan::blocks(length)))
                }
                Ok(_) => Ok(Way::Whole(Plan::whole(length, Because::Dense))),
                Err(unfit) => whole(unfit),
            };
        }
        _ => return whole(Unfit::NotMp4),
    }
    let index = match index::open(source, head).await? {
        Ok(index) => index,
        Err(unfit) => return whole(unfit),
    };
    let plan = match Plan::indexed(&index, length, options) {
        Ok(plan) => plan,
        Err(unfit) => return whole(unfit),
    };
    let limit = options.limits.frames;
    if plan.targets.len() as u64 > limit {
        return Err(Reason::TooManyFrames { limit }.into());
    }
    Ok(Way::Indexed(index, plan))
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
    let way = way(source.as_ref(), head.clone(), family, options).await?;
    let strategy = match &way {
        Way::Indexed(_, plan) | Way::Blocks(_, plan) | Way::Whole(plan) => plan.strategy,
    };
    let structure = match strategy {
        // What the index does not say of a video's structure shows on the way.
        Strategy::Indexed => None,
        _ => Some(inspect(source.as_ref(), family, &head).await?),
    };
    let because = match way {
        Way::Whole(plan) => plan.because,
        Way::Indexed(index, plan) => {
            let (code, share) = (plan.because.code(), plan.share);
            tracing::info!(
                code,
                share,
                frames = plan.targets.len(),
                "read by the index"
            );
            let planned = (&index, &plan);
            let done = indexed::run(ffmpeg, source, planned, options, counters, output).await;
            match settled(done, output)? {
                Ok(finding) => return Ok((finding, strategy, plan.because)),
                Err(because) => because,
            }
        }
        Way::Blocks(cues, plan) if structure.as_ref().is_some_and(Structure::is_sound) => {
            let done = seeking::run(ffmpeg, source, &cues, options, counters, output).await;
            match settled(done, output)? {
                Ok(finding) => return Ok((finding, strategy, plan.because)),
                Err(because) => because,
            }
        }
        Way::Blocks(..) => Because::Surprise("it is damaged or encrypted".into()),
    };
    tracing::info!(code = because.code(), reason = %because, "all of the video is read");
    let structure = match structure {
        Some(structure) => structure,
        None => inspect(source.as_ref(), family, &head).await?,
    };
    if structure.encrypted {
        return Err(Reason::Encrypted.into());
    }
    let mut finding = whole::run(ffmpeg, source, family, options, counters, output).await?;
    finding.damaged = finding.damaged.or(structure.truncated);
    Ok((finding, Strategy::Whole, because))
}

/// What was found, or why all must be read after all.
fn settled(
    done: Result<Finding, Broken>,
    output: &mut Output,
) -> Result<Result<Finding, Because>, ExtractError> {
    match done {
        Ok(finding) => Ok(Ok(finding)),
        Err(Broken::Over(error)) => Err(error),
        Err(Broken::Off(surprise)) => {
            tracing::warn!(%surprise, "the index does not hold; all is read");
            output.restart();
            Ok(Err(Because::Surprise(surprise.0)))
        }
    }
}
