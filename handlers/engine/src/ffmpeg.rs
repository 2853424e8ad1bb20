//! Which ffmpeg is used, and how many threads it gets.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::error::ExtractError;

/// An ffmpeg on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    /// The executable.
    pub path: PathBuf,
    /// What it says its version is.
    pub version: String,
    /// How many threads it may decode with.
    pub threads: NonZeroUsize,
}

impl Ffmpeg {
    /// Takes the first of: `explicit` (and then only that), `.fotograma/bin/ffmpeg`, `ffmpeg` on
    /// the `PATH`; asks its version; reads the number of threads from the cgroup's quota.
    pub async fn find(explicit: Option<&Path>) -> Result<Self, ExtractError> {
        let _ = explicit;
        Err(ExtractError::Machine("not yet".into()))
    }
}
