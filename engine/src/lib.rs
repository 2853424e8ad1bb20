//! The frame extractor: a video in, a zip of its frames out.
//!
//! [`extract`] reads a video from a [`Source`], has ffmpeg decode it as a confined child
//! process, and streams a zip of the wanted frames into a [`Sink`]. Neither the video nor a
//! frame nor the zip touches the disk, and one frame at a time is held in memory.
//!
//! The crate knows nothing of who asks and where the bytes live: files are built in
//! ([`FileSource`], [`FileSink`]), everything else implements the two traits.

mod command;
mod container;
mod counters;
mod cues;
mod ebml;
mod error;
mod extract;
pub mod feed;
mod ffmpeg;
mod file;
pub mod fragment;
mod frames;
mod image;
pub mod index;
mod indexed;
mod input;
mod keyframes;
mod limits;
mod loopback;
mod options;
mod output;
pub mod picture;
pub mod plan;
mod process;
mod reason;
mod seeking;
mod sink;
mod sniff;
mod source;
mod strategy;
mod verdict;
mod watch;
mod whole;
mod zip;

pub use error::ExtractError;
pub use extract::{Extraction, extract};
pub use ffmpeg::Ffmpeg;
pub use file::{FileSink, FileSource};
pub use limits::Limits;
pub use options::{Format, Mode, OnDamage, Options};
pub use reason::Reason;
pub use sink::{Sink, SinkError};
pub use source::{Source, SourceError};
pub use strategy::{Strategy, plan};
pub use watch::{Progress, Stop, Unwatched, Watch};
