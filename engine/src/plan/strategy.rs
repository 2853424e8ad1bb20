//! How a video is read, and why so.

use serde::{Deserialize, Serialize};

use crate::container::index_unusable::IndexUnusable;

/// How a video is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only the samples that the wanted frames depend on, found by the video's own index.
    Indexed,
    /// All of it, from front to back.
    FullDecode,
}

/// Why a strategy was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StrategyReason {
    /// A part of the bytes is enough.
    Sparse,
    /// Nearly all bytes are needed: they are read in one sweep, and not all is decoded.
    Sweep,
    /// The index cannot be used.
    IndexUnusable(IndexUnusable),
    /// What the plan foresaw did not happen.
    PlanMismatch(String),
}

impl std::fmt::Display for StrategyReason {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sparse => to.write_str("the frames depend on a part of the bytes"),
            Self::Sweep => to.write_str("the frames depend on nearly all bytes"),
            Self::IndexUnusable(unusable) => unusable.fmt(to),
            Self::PlanMismatch(what) => write!(to, "not as planned: {what}"),
        }
    }
}

impl Strategy {
    /// A stable word for metrics and people, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Indexed => "indexed",
            Self::FullDecode => "full_decode",
        }
    }
}

impl StrategyReason {
    /// A stable word for metrics, in snake case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sparse => "sparse",
            Self::Sweep => "sweep",
            Self::IndexUnusable(unusable) => unusable.code(),
            Self::PlanMismatch(_) => "plan_mismatch",
        }
    }
}
