//! What a running ffmpeg gives: facts of its input through the log; times and pictures through
//! one stream.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::process::{ChildStdin, ChildStdout};

use crate::error::ExtractError;
use crate::ffmpeg::arguments::ORIGIN;
use crate::ffmpeg::layout::{Coded, Layout, Picture, Thumbnail};
use crate::ffmpeg::log::{Event, Log};
use crate::ffmpeg::nut::{NutError, NutFrame, NutReader};
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::process::{Ended, Running};
use crate::ffmpeg::stream_facts::StreamFacts;
use crate::options::Options;
use crate::previews::thumbnail_box;
use crate::reason::Reason;

/// What a running ffmpeg gives next. Times are in nanoseconds.
#[derive(Debug)]
pub(crate) enum Given {
    /// The playing time and the start of the input in seconds, told before anything else.
    Input {
        /// `None` where the container does not say it.
        duration: Option<f64>,
        start: f64,
    },
    /// The video must be presented in another way, told before any frame.
    Presentation(Presentation),
    /// A frame begins at this time, and is coded so, if it is told.
    Time(i64, Option<Coded>),
    /// A picture, with its time.
    Picture(i64, Picture),
    /// No more.
    End,
}

/// The output of one ffmpeg.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Pictures {
    running: Running,
    nut: NutReader<ChildStdout>,
    layout: Layout,
    options: Options,
    presentation: Presentation,
    /// Times and widths, and heights, of frames of which the rest has not come yet.
    widths: VecDeque<(i64, u32)>,
    heights: VecDeque<u32>,
    /// Pictures that wait for their thumbnails, and the other way round.
    images: VecDeque<(i64, Bytes)>,
    thumbnails: VecDeque<Thumbnail>,
    /// Whether the presentation is right, whatever the input says of itself.
    is_presentation_known: bool,
    /// Whether no more pictures come.
    ended: bool,
    events_ended: bool,
    complained: bool,
    has_other_sizes: bool,
}

impl Pictures {
    /// Takes over a freshly started ffmpeg, which presents the video so.
    pub(crate) fn new(
        mut running: Running,
        layout: Layout,
        options: &Options,
        presentation: &Presentation,
    ) -> Result<Self, ExtractError> {
        let stdout = running
            .stdout
            .take()
            .ok_or_else(|| ExtractError::Machine("ffmpeg has no standard output".into()))?;
        // No encoded image is larger than its pixels at 16 bits for each of four components.
        let pixels = options.limits.pixels;
        let max_image = pixels.saturating_mul(8).saturating_add(1 << 20);
        Ok(Self {
            running,
            nut: NutReader::new(stdout, max_image),
            layout,
            options: options.clone(),
            presentation: presentation.clone(),
            widths: VecDeque::new(),
            heights: VecDeque::new(),
            images: VecDeque::new(),
            thumbnails: VecDeque::new(),
            is_presentation_known: false,
            ended: false,
            events_ended: false,
            complained: false,
            has_other_sizes: false,
        })
    }

    /// The presentation is known to be right: the input has lost what its file says of itself.
    pub(crate) fn with_known_presentation(self) -> Self {
        Self {
            is_presentation_known: true,
            ..self
        }
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Result<Given, ExtractError> {
        loop {
            tokio::select! {
                biased;
                event = self.running.events.recv(), if !self.events_ended => match event {
                    Some(Event::Input { duration, start }) => {
                        return Ok(Given::Input { duration, start });
                    }
                    Some(Event::Videos(videos)) => {
                        if let Some(other) = self.other_presentation(&videos)? {
                            return Ok(Given::Presentation(other));
                        }
                    }
                    Some(Event::Complaint) => self.complained = true,
                    Some(Event::OtherSize) => self.has_other_sizes = true,
                    None => self.events_ended = true,
                },
                // What has been said by the end may be that all was to be otherwise.
                frame = self.nut.next(), if !self.ended => match frame {
                    Ok(Some(frame)) => {
                        if let Some(given) = self.given(frame) {
                            return Ok(given);
                        }
                    }
                    Ok(None) => self.ended = true,
                    // Cut off by its own death: how it ended says more.
                    Err(error @ NutError::Broken(_)) => {
                        tracing::debug!(%error, "the pictures ended");
                        self.ended = true;
                    }
                    Err(error) => return Err(ExtractError::Machine(error.to_string())),
                },
                else => return Ok(Given::End),
            }
        }
    }

    /// What these streams must be presented by, if that is not what is; none of too large pictures.
    fn other_presentation(
        &self,
        videos: &[StreamFacts],
    ) -> Result<Option<Presentation>, ExtractError> {
        let other = if self.is_presentation_known {
            None
        } else {
            self.presentation.other(videos, &self.options)
        };
        let shown = other.as_ref().unwrap_or(&self.presentation).stream();
        let limit = self.options.limits.pixels;
        if videos
            .get(shown)
            .is_some_and(|facts| facts.pixels() > limit)
        {
            return Err(Reason::TooManyPixels { limit }.into());
        }
        Ok(other)
    }

    fn given(&mut self, frame: NutFrame) -> Option<Given> {
        let time = frame.pts.saturating_sub(ORIGIN);
        let length = || u32::try_from(frame.data.len() / 2).unwrap_or(u32::MAX);
        match (self.layout, frame.stream) {
            (Layout::TimesAndPictures, 0) => Some(Given::Time(time, None)),
            (Layout::SizesAndPictures, 0) => {
                self.widths.push_back((time, length()));
                None
            }
            (Layout::SizesAndPictures, 1) => {
                self.heights.push_back(length());
                None
            }
            (Layout::SizesAndPictures, 2) => {
                let (time, width) = self.widths.pop_front()?;
                let coded = Coded {
                    width,
                    height: self.heights.pop_front()?,
                    aspect: length(),
                };
                Some(Given::Time(time, Some(coded)))
            }
            (layout, stream) if stream == layout.pictures() => {
                self.images.push_back((time, frame.data));
                self.picture()
            }
            _ => {
                let (width, height) = self.nut.picture_size(frame.stream);
                self.thumbnails.push_back(Thumbnail {
                    width,
                    height,
                    planes: frame.data,
                });
                self.picture()
            }
        }
    }

    /// The next picture, if all of it has come.
    fn picture(&mut self) -> Option<Given> {
        let thumbnail = if thumbnail_box(&self.options).is_some() {
            self.images.front()?;
            Some(self.thumbnails.pop_front()?)
        } else {
            None
        };
        let (time, image) = self.images.pop_front()?;
        Some(Given::Picture(time, Picture { image, thumbnail }))
    }

    /// Whether pictures are known to have more than one size so far.
    pub(crate) fn has_other_sizes(&self) -> bool {
        self.has_other_sizes
    }

    /// Whether ffmpeg is known to have complained about anything so far.
    pub(crate) fn complained(&self) -> bool {
        self.complained
    }

    /// Its standard input, if piped and not yet taken.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.running.stdin.take()
    }

    /// Waits for ffmpeg's own end.
    pub(crate) async fn wait(self) -> Result<Ended, ExtractError> {
        let Self { running, nut, .. } = self;
        // A writer that is not read would wait for ever.
        drop(nut);
        running.wait().await
    }

    /// Ends ffmpeg at once.
    pub(crate) async fn kill(self) -> Result<Log, ExtractError> {
        self.running.kill().await
    }
}

/// Refuses a playing time beyond the limit.
///
/// A header may lie. One that claims less than 100 bytes a second is not believed; the frames'
/// own times are checked as they come.
pub(crate) fn check_duration(
    options: &Options,
    source_bytes: u64,
    seconds: f64,
) -> Result<(), ExtractError> {
    let limit = options.limits.duration;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let plausible = source_bytes as f64 >= seconds * 100.0;
    if plausible && seconds > limit.as_secs_f64() {
        return Err(Reason::TooLong {
            limit: limit.as_secs(),
        }
        .into());
    }
    Ok(())
}
