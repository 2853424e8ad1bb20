//! How a video is read: by the strategy that costs least, and step by step down to a full decode.

mod front_to_back;
mod full_decode;
pub(crate) mod indexed;
mod keyframes;
mod on_screen;
mod outcome;
mod shown_track;
mod true_sizes;

use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;

use crate::container::index_unusable::{IndexError, IndexUnusable};
use crate::container::inspect_structure;
use crate::container::isobmff::{self, Index};
use crate::container::matroska;
use crate::container::sniff::{ContainerFormat, HEAD, MediaKind, sniff};
use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::program::Ffmpeg;
use crate::io::remembered::Remembered;
use crate::io::source::Source;
use crate::options::{Mode, Options};
use crate::output::Output;
use crate::plan::{Plan, Strategy, StrategyReason};
use crate::reason::Reason;
use front_to_back::FrontToBack;
use outcome::{OTHER_SIZES, Outcome, PlanFailure};
pub use shown_track::shown_track;

/// Says how the frames of `source` would be got at, without doing it.
///
/// # Errors
/// What ends an extraction before anything is decoded.
pub async fn plan(source: &dyn Source, options: &Options) -> Result<Plan, ExtractError> {
    let (head, format) = check_and_sniff(source, options).await?;
    Ok(match cheapest(source, head, format, options).await? {
        Candidate::Indexed(_, plan) | Candidate::FullDecode(plan) => plan,
    })
}

/// Checks what can be checked before anything is decoded, and reads the video's first bytes.
async fn check_and_sniff(
    source: &dyn Source,
    options: &Options,
) -> Result<(Bytes, ContainerFormat), ExtractError> {
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
        MediaKind::Video(format) => Ok((head, format)),
        MediaKind::Undecodable(what) => Err(Reason::Unsupported { what: what.into() }.into()),
        MediaKind::Audio => Err(Reason::NoVideoStream.into()),
        MediaKind::Unknown => Err(Reason::NotVideo.into()),
    }
}

/// A strategy that would do: its plan, with what it was made of.
enum Candidate {
    Indexed(Box<Index>, Plan),
    FullDecode(Plan),
}

/// The strategy that costs least.
async fn cheapest(
    source: &dyn Source,
    head: Bytes,
    format: ContainerFormat,
    options: &Options,
) -> Result<Candidate, ExtractError> {
    let length = source.len();
    let full_decode = |reason| Candidate::FullDecode(Plan::full_decode(length, reason));
    let without_index = |error| match error {
        IndexError::Unusable(unusable) => Ok(full_decode(StrategyReason::IndexUnusable(unusable))),
        IndexError::Source(error) => Err(ExtractError::from(error)),
    };
    let index = match open_index(source, head, format, options).await {
        Ok(index) => index,
        Err(error) => return without_index(error),
    };
    let plan = match Plan::indexed(&index, length, options) {
        Ok(plan) => plan,
        Err(unusable) => return without_index(unusable.into()),
    };
    let limit = options.limits.frames;
    if plan.targets.len() as u64 > limit {
        return Err(Reason::TooManyFrames { limit }.into());
    }
    Ok(Candidate::Indexed(Box::new(index), plan))
}

/// The index of `source`, as far as its container has one that is known.
async fn open_index(
    source: &dyn Source,
    head: Bytes,
    format: ContainerFormat,
    options: &Options,
) -> Result<Index, IndexError> {
    match format {
        ContainerFormat::Iso => isobmff::open_index(source, head, options.track).await,
        ContainerFormat::Matroska => {
            let structure = matroska::inspect_structure(&head, source.len());
            if structure.encrypted {
                return Err(IndexUnusable::Encrypted.into());
            }
            matroska::open_index(source, head, options).await
        }
        _ => Err(IndexUnusable::NotMp4.into()),
    }
}

/// Gives the frames of `source` to `output`, and says how and why so.
pub(crate) async fn extract_frames(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    options: &Options,
    counters: &Counters,
    output: &mut Output,
) -> Result<(Outcome, Strategy, StrategyReason), ExtractError> {
    let (head, format) = check_and_sniff(source.as_ref(), options).await?;
    let remembered = Arc::new(Remembered::new(Arc::clone(source), &head));
    let candidate = cheapest(remembered.as_ref(), head.clone(), format, options).await?;
    remembered.close();
    let structure = match &candidate {
        // What the index does not say of a video's structure shows on the way.
        Candidate::Indexed(..) => None,
        Candidate::FullDecode(_) => Some(inspect_structure(source.as_ref(), format, &head).await?),
    };
    // The track that the index found stays the one, whoever decodes it.
    let mut options_of_file = options.clone();
    let mut presentation = match &candidate {
        Candidate::Indexed(index, _) => {
            options_of_file.track = Some(index.track.number);
            let (lines, colours) = (index.init.lines(), index.init.colours());
            Presentation::guess(ffmpeg, lines, colours, options)
        }
        Candidate::FullDecode(_) => Presentation::unknown(ffmpeg),
    };
    let reason = match candidate {
        Candidate::FullDecode(plan) => plan.reason,
        Candidate::Indexed(index, plan) => {
            let (code, share) = (plan.reason.code(), plan.share);
            let frames = plan.targets.len();
            tracing::info!(code, share, frames, "read by the index");
            let planned = (index.as_ref(), &plan);
            let remembered: Arc<dyn Source> = remembered;
            // What is fed has that one track only.
            let options = &Options {
                track: None,
                ..options.clone()
            };
            loop {
                let shown = presentation.clone();
                let done = indexed::extract_frames(
                    ffmpeg,
                    &remembered,
                    planned,
                    options,
                    &shown,
                    counters,
                    output,
                );
                match done.await {
                    Ok(outcome) => return Ok((outcome, plan.strategy, plan.reason)),
                    Err(PlanFailure::Presentation(other)) if !other.needs_neighbours(options) => {
                        present(other, &mut presentation, output).await?;
                    }
                    Err(failure) => break start_again(failure, &mut presentation, output).await?,
                }
            }
        }
    };
    tracing::info!(code = reason.code(), %reason, "all of the video is decoded");
    let structure = match structure {
        Some(structure) => structure,
        None => inspect_structure(source.as_ref(), format, &head).await?,
    };
    if structure.encrypted {
        return Err(Reason::Encrypted.into());
    }
    let outcome = decode_all(
        ffmpeg,
        (source, format, structure.truncated),
        &options_of_file,
        presentation,
        counters,
        output,
    );
    Ok((outcome.await?, Strategy::FullDecode, reason))
}

/// Decodes all of a file, and begins anew where it must be presented in another way.
async fn decode_all(
    ffmpeg: &Ffmpeg,
    (source, format, damaged): (&Arc<dyn Source>, ContainerFormat, Option<String>),
    options: &Options,
    mut presentation: Presentation,
    counters: &Counters,
    output: &mut Output,
) -> Result<Outcome, ExtractError> {
    let mut ffmpeg = ffmpeg.clone();
    let mut keyframes_alone = options.mode == Mode::Keyframe;
    let mut has_other_sizes = false;
    loop {
        let shown = presentation.clone();
        let video = FrontToBack {
            ffmpeg: &ffmpeg,
            source,
            format,
            options,
            presentation: &shown,
        };
        let damaged = damaged.clone();
        let done = if keyframes_alone {
            keyframes::extract_frames(video, damaged, counters, output).await
        } else {
            full_decode::extract_frames(video, damaged, has_other_sizes, counters, output).await
        };
        match done {
            Ok(outcome) => return Ok(outcome),
            Err(PlanFailure::Presentation(other)) => {
                present(other, &mut presentation, output).await?;
            }
            Err(PlanFailure::Concealed) => {
                tracing::info!("the decoder complains; all is decoded by one thread");
                ffmpeg.threads = NonZeroUsize::MIN;
                output.restart().await?;
            }
            Err(PlanFailure::OtherSizes) => {
                tracing::info!("{OTHER_SIZES}; it is decoded once for each");
                has_other_sizes = true;
                output.restart().await?;
            }
            Err(PlanFailure::Mismatch(mismatch)) if keyframes_alone => {
                tracing::info!(%mismatch, "keyframes are not read alone");
                keyframes_alone = false;
                output.restart().await?;
            }
            Err(PlanFailure::Mismatch(mismatch)) => return Err(ExtractError::Machine(mismatch.0)),
            Err(PlanFailure::Fatal(error)) => return Err(error),
        }
    }
}

/// Makes ready for the same strategy, now that it is known how the video is to be presented.
async fn present(
    other: Presentation,
    presentation: &mut Presentation,
    output: &mut Output,
) -> Result<(), ExtractError> {
    tracing::debug!(?other, "the video is presented in another way");
    *presentation = other;
    output.restart().await
}

/// Makes ready for a full decode where a plan did not hold, and says why.
async fn start_again(
    failure: PlanFailure,
    presentation: &mut Presentation,
    output: &mut Output,
) -> Result<StrategyReason, ExtractError> {
    match failure {
        PlanFailure::Presentation(other) => {
            present(other, presentation, output).await?;
            let why = "its pictures depend on those before and after";
            Ok(StrategyReason::PlanMismatch(why.into()))
        }
        PlanFailure::Concealed => {
            output.restart().await?;
            Ok(StrategyReason::PlanMismatch(
                "the decoder complained".into(),
            ))
        }
        PlanFailure::OtherSizes => {
            output.restart().await?;
            Ok(StrategyReason::PlanMismatch(OTHER_SIZES.into()))
        }
        PlanFailure::Fatal(error) => Err(error),
        PlanFailure::Mismatch(mismatch) => {
            tracing::warn!(%mismatch, "the index does not hold; all is decoded");
            output.restart().await?;
            Ok(StrategyReason::PlanMismatch(mismatch.0))
        }
    }
}
