//! The selected frames as they come out of a running ffmpeg, each with its timestamp.
//!
//! Images come through standard output, timestamps through the log; ffmpeg prints a timestamp
//! before it encodes the frame, and neither overtakes its like, so they pair off in order.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::process::{ChildStdin, ChildStdout};

use crate::error::ExtractError;
use crate::ffmpeg::images::Images;
use crate::ffmpeg::log::{Event, Log};
use crate::ffmpeg::process::{Ended, Running};
use crate::options::Options;
use crate::reason::Reason;

/// One still.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The encoded image.
    pub(crate) image: Bytes,
    /// Its timestamp in the video, in seconds.
    pub(crate) timestamp: f64,
}

/// What a running ffmpeg gives next.
#[derive(Debug)]
pub(crate) enum Next {
    /// The playing time in seconds, told before any frame.
    Duration(f64),
    /// A frame.
    Frame(Frame),
    /// No more; `past_end` when there may be frames after the wanted end.
    End { past_end: bool },
}

/// The selected frames of one ffmpeg.
#[derive(Debug)]
pub(crate) struct Frames {
    running: Running,
    images: Images<ChildStdout>,
    image: Option<Bytes>,
    timestamps: VecDeque<f64>,
    images_ended: bool,
    most_pixels: u64,
    past_end: bool,
    complained: bool,
}

impl Frames {
    /// Takes over a freshly started ffmpeg.
    pub(crate) fn new(mut running: Running, options: &Options) -> Result<Self, ExtractError> {
        let stdout = running
            .stdout
            .take()
            .ok_or_else(|| ExtractError::Machine("ffmpeg has no standard output".into()))?;
        // No encoded image is larger than its pixels at 16 bits for each of four components.
        let most = options
            .limits
            .pixels
            .saturating_mul(8)
            .saturating_add(1 << 20);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(Self {
            running,
            images: Images::new(stdout, options.format, most),
            image: None,
            timestamps: VecDeque::new(),
            images_ended: false,
            most_pixels: options.limits.pixels,
            past_end: false,
            complained: false,
        })
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Result<Next, ExtractError> {
        let mut events_ended = false;
        loop {
            if self.image.is_some()
                && let Some(timestamp) = self.timestamps.pop_front()
                && let Some(image) = self.image.take()
            {
                return Ok(Next::Frame(Frame { image, timestamp }));
            }
            if self.past_end && self.image.is_none() && self.timestamps.is_empty() {
                return Ok(Next::End { past_end: true });
            }
            if self.images_ended && self.image.is_none() {
                return Ok(Next::End { past_end: false });
            }
            if events_ended && self.image.is_some() {
                return Err(ExtractError::Machine(
                    "ffmpeg gave a frame without its time".into(),
                ));
            }
            tokio::select! {
                biased;
                event = self.running.events.recv(), if !events_ended => match event {
                    Some(Event::Duration(seconds)) => return Ok(Next::Duration(seconds)),
                    Some(Event::Picture(pixels)) if pixels > self.most_pixels => {
                        return Err(Reason::TooManyPixels { limit: self.most_pixels }.into());
                    }
                    Some(Event::Picture(_)) => {}
                    Some(Event::Selected(timestamp)) => self.timestamps.push_back(timestamp),
                    Some(Event::PastEnd) => self.past_end = true,
                    Some(Event::Complaint) => self.complained = true,
                    None => events_ended = true,
                },
                image = self.images.next(), if self.image.is_none() && !self.images_ended => {
                    match image {
                        Ok(Some(image)) => self.image = Some(image),
                        Ok(None) => self.images_ended = true,
                        // Cut off by its own death: how it ended says more.
                        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                            tracing::debug!(error = %e, "the images ended");
                            self.images_ended = true;
                        }
                        Err(e) => return Err(ExtractError::Machine(e.to_string())),
                    }
                }
            }
        }
    }

    /// Whether ffmpeg has complained about anything before it selected the last frame given.
    pub(crate) fn complained(&self) -> bool {
        self.complained
    }

    /// Its standard input, if piped and not yet taken.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.running.stdin.take()
    }

    /// Waits for ffmpeg's own end.
    pub(crate) async fn wait(self) -> Result<Ended, ExtractError> {
        let Self {
            running, images, ..
        } = self;
        // A writer that is not read would wait for ever.
        drop(images);
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
