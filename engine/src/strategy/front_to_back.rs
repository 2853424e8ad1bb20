//! A video that is decoded from front to back, and an ffmpeg that does it.

use std::ffi::OsString;
use std::sync::Arc;

use crate::container::sniff::ContainerFormat;
use crate::error::ExtractError;
use crate::ffmpeg::arguments::{self, Sizes, Zero};
use crate::ffmpeg::input::Input;
use crate::ffmpeg::pictures::Pictures;
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::process::{Reads, Running};
use crate::ffmpeg::program::Ffmpeg;
use crate::io::source::Source;
use crate::options::Options;
use crate::plan::moments::Moments;

/// What is decoded, and how.
#[derive(Clone, Copy)]
pub(super) struct FrontToBack<'a> {
    pub(super) ffmpeg: &'a Ffmpeg,
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) format: ContainerFormat,
    pub(super) options: &'a Options,
    pub(super) presentation: &'a Presentation,
}

impl FrontToBack<'_> {
    /// Starts an ffmpeg that gives the frames on screen at the wanted moments.
    pub(super) fn start(&self, input: &Input, sizes: Sizes) -> Result<Pictures, ExtractError> {
        let options = self.options;
        let presentation = &match sizes {
            Sizes::Only(coded) => self.presentation.of_size(coded),
            Sizes::First | Sizes::Told => self.presentation.clone(),
        };
        let mut arguments = self.before_input(input);
        arguments.extend(presentation.decoder().iter().map(OsString::from));
        arguments.extend(input.arguments());
        let (moments, zero) = (Moments::new(options), self.zero());
        let words = arguments::on_screen(options, &moments, zero, presentation, sizes);
        arguments.extend(words);
        let files = presentation.files();
        let ffmpeg = self.ffmpeg;
        let running = Running::start(
            ffmpeg,
            &options.limits,
            Reads::Input(input),
            &files,
            arguments,
        )?;
        Pictures::new(running, sizes.layout(), options, presentation)
    }

    /// What stands before the input, whatever becomes of it.
    pub(super) fn before_input(&self, input: &Input) -> Vec<OsString> {
        let (limits, demuxers) = (&self.options.limits, self.format.demuxers());
        let mut arguments =
            arguments::before_input(self.ffmpeg, limits, demuxers, input.protocols());
        // These files have a zero of their own, at which nothing need begin.
        if self.format == ContainerFormat::Iso {
            arguments.push("-copyts".into());
        }
        arguments
    }

    /// Where the clock has its zero.
    pub(super) fn zero(&self) -> Zero {
        match self.format {
            // Without times of presentation, it is the order of the frames that gives them.
            ContainerFormat::Avi => Zero::FirstPicture,
            _ => Zero::Input,
        }
    }
}
