//! The whole way from a video to its zip.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ExtractError;
use crate::ffmpeg::Ffmpeg;
use crate::options::Options;
use crate::sink::Sink;
use crate::source::Source;
use crate::watch::Watch;

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

/// What an extraction did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Extraction {
    /// Frames in the zip.
    pub frames: u64,
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
    pub because: String,
    /// What is wrong with the video, where its frames were kept all the same.
    pub damaged: Option<String>,
}

/// Extracts frames of `source` into a zip in `sink`.
///
/// The zip holds whole stored entries `frame_00001.jpg`, … and at last `frames.csv` with the
/// columns `file,seconds`, the time of each from the video's start. Dropping the future kills
/// ffmpeg and aborts the sink.
pub async fn extract(
    ffmpeg: &Ffmpeg,
    source: Arc<dyn Source>,
    sink: Box<dyn Sink>,
    options: &Options,
    watch: &dyn Watch,
) -> Result<Extraction, ExtractError> {
    let _ = (ffmpeg, source, options, watch);
    sink.abort().await;
    Err(ExtractError::Machine("not yet".into()))
}
