//! How carrying out a strategy ends.

use thiserror::Error;

use crate::error::ExtractError;
use crate::ffmpeg::presentation::Presentation;
use crate::io::source::SourceError;

/// What a strategy found out on its way.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The playing time in seconds.
    pub(crate) duration: Option<f64>,
    /// What is wrong with the video.
    pub(crate) damaged: Option<String>,
}

/// What is not as planned where pictures have more than one size.
pub(super) const OTHER_SIZES: &str = "the size of its pictures changes";

/// The video is not as its index says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct PlanMismatch(pub(crate) String);

/// Why a plan was not carried out to its end.
#[derive(Debug)]
pub(crate) enum PlanFailure {
    /// The video is not as its index says: another strategy may do.
    Mismatch(PlanMismatch),
    /// The video must be presented in another way, by the same strategy. No frame has been given.
    Presentation(Presentation),
    /// The decoder complained while it had several threads: what it conceals depends on them, and
    /// the same video must give the same pictures.
    Concealed,
    /// The pictures have more than one size.
    OtherSizes,
    /// No other strategy would do.
    Fatal(ExtractError),
}

impl From<ExtractError> for PlanFailure {
    fn from(error: ExtractError) -> Self {
        Self::Fatal(error)
    }
}

impl From<SourceError> for PlanFailure {
    fn from(error: SourceError) -> Self {
        Self::Fatal(error.into())
    }
}

impl From<PlanMismatch> for PlanFailure {
    fn from(mismatch: PlanMismatch) -> Self {
        Self::Mismatch(mismatch)
    }
}
