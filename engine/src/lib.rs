//! The frame extractor: a video in, a zip of its frames out.
//!
//! [`extract`] reads a video from a [`Source`], has ffmpeg decode it as a confined child
//! process, and streams a zip of the wanted frames into a [`Sink`]. Neither the video nor a
//! frame nor the zip touches the disk, and one frame at a time is held in memory.
//!
//! The crate knows nothing of who asks and where the bytes live: files are built in
//! ([`FileSource`], [`FileSink`]), everything else implements the two traits.
//!
//! # Example
//!
//! A frame for every two seconds of a video file:
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use fotograma_engine::{Ffmpeg, FileSink, FileSource, IgnoreProgress, Options, extract};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let ffmpeg = Ffmpeg::find(None).await?;
//! let video = FileSource::open("video.mp4").await?;
//! let zip = FileSink::create("frames.zip", false).await?;
//! let options = Options {
//!     every: Duration::from_secs(2),
//!     ..Options::default()
//! };
//! let done = extract(&ffmpeg, Arc::new(video), Box::new(zip), &options, &IgnoreProgress).await?;
//! println!("{} frames of {} bytes of video", done.frames, done.source_bytes);
//! # Ok(())
//! # }
//! ```

mod bitstream;
mod container;
mod counters;
mod duration_millis;
mod error;
mod extract;
mod ffmpeg;
#[cfg(fuzzing)]
pub mod fuzzing;
mod io;
mod limits;
mod options;
mod output;
mod plan;
mod previews;
mod progress;
mod reason;
mod strategy;
#[cfg(test)]
mod tests;

#[cfg(test)]
extern crate self as fotograma_engine;

pub use bitstream::CodecFamily;
pub use container::index_unusable::IndexUnusable;
pub use container::isobmff::{Codec, TrackChoice, TrackReason};
pub use error::ExtractError;
pub use extract::{Extraction, extract};
pub use ffmpeg::confinement::{Confinement, Kept, become_ffmpeg_if_asked, launch_ffmpeg_by};
pub use ffmpeg::program::Ffmpeg;
pub use io::file::{FileSink, FileSource};
pub use io::sink::{Sink, SinkError};
pub use io::source::{Source, SourceError};
pub use limits::Limits;
pub use options::{Format, Hdr, Mode, OnDamage, Options, Samples};
pub use plan::{GopRun, Plan, Strategy, StrategyReason, Target};
pub use previews::{Cue, Previews, Storyboard};
pub use progress::{Cancelled, IgnoreProgress, Progress, ProgressListener};
pub use reason::Reason;
pub use strategy::{plan, shown_track};
