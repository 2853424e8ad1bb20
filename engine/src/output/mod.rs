//! Frames into the zip, and the zip into the sink.

mod zip;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;

use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::frames::Frame;
use crate::io::sink::{Sink, SinkError};
use crate::options::{Mode, Options};
use crate::reason::Reason;
use zip::Zip;

/// The zip's table of contents: which frame is from which moment.
const CONTENTS: &str = "frames.csv";

/// Where frames go, whatever found them.
pub(crate) struct Output {
    sink: Guard,
    /// There until its directory has been written.
    zip: Option<Zip>,
    /// Size and CRC-32 of each frame in the zip.
    stored: Vec<(usize, u32)>,
    contents: String,
    options: Options,
    counters: Arc<Counters>,
    start: Option<f64>,
    /// How many frames have been given since the last [`restart`](Self::restart).
    given: usize,
    frames: usize,
}

impl Output {
    pub(crate) fn new(sink: Box<dyn Sink>, options: &Options, counters: Arc<Counters>) -> Self {
        Self {
            sink: Guard(Some(sink)),
            zip: Some(Zip::new(options.modified)),
            stored: Vec::new(),
            contents: "file,seconds\n".into(),
            options: options.clone(),
            counters,
            start: None,
            given: 0,
            frames: 0,
        }
    }

    /// How many frames are in the zip.
    pub(crate) fn frames(&self) -> u64 {
        self.frames as u64
    }

    /// The frames will come once more from the first one, in another way. Those that the zip
    /// has already must be the same again.
    pub(crate) fn restart(&mut self) {
        self.given = 0;
        self.start = None;
    }

    /// Sets the video's start, where it is known before the first frame.
    pub(crate) fn start_at(&mut self, timestamp: f64) {
        self.start = Some(timestamp);
    }

    /// Takes one frame. The first sets the video's start, also when it lies before the wanted
    /// time and so is not kept.
    pub(crate) async fn frame(&mut self, frame: Frame) -> Result<(), ExtractError> {
        let start = *self.start.get_or_insert(frame.timestamp);
        let seconds = frame.timestamp - start;
        let limits = &self.options.limits;
        if seconds > limits.duration.as_secs_f64() {
            return Err(Reason::TooLong {
                limit: limits.duration.as_secs(),
            }
            .into());
        }
        let from = self.options.from.unwrap_or(Duration::ZERO).as_secs_f64();
        // A keyframe stands for a later moment.
        if self.options.mode == Mode::Exact && seconds < from - 1e-6 {
            return Ok(());
        }
        self.given += 1;
        if self.given <= self.frames {
            return self.compare(&frame.image);
        }
        if self.frames as u64 >= limits.frames {
            return Err(Reason::TooManyFrames {
                limit: limits.frames,
            }
            .into());
        }
        let name = format!(
            "frame_{:05}.{}",
            self.given,
            self.options.format.extension()
        );
        self.entry(&name, &frame.image).await?;
        let checksum = crc32fast::hash(&frame.image);
        self.stored.push((frame.image.len(), checksum));
        // Writing to a string cannot fail.
        let _ = writeln!(self.contents, "{name},{:.3}", seconds.max(0.0));
        self.frames = self.given;
        self.counters.frames.store(self.frames as u64, Relaxed);
        self.counters.set_position(seconds);
        Ok(())
    }

    /// Checks a frame that comes again.
    fn compare(&self, image: &[u8]) -> Result<(), ExtractError> {
        let now = (image.len(), crc32fast::hash(image));
        if self.stored.get(self.given - 1) == Some(&now) {
            return Ok(());
        }
        Err(ExtractError::Machine(format!(
            "frame {} differs when made again",
            self.given
        )))
    }

    async fn entry(&mut self, name: &str, data: &[u8]) -> Result<(), ExtractError> {
        let limit = self.options.limits.output_bytes;
        let zip = self.zip.as_mut().ok_or_else(closed)?;
        if zip.len().saturating_add(data.len() as u64) > limit {
            return Err(Reason::OutputTooLarge { limit }.into());
        }
        let bytes = zip.add(name, data).await.map_err(|e| in_zip(&e))?;
        self.write(bytes).await
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), ExtractError> {
        let length = bytes.len() as u64;
        self.sink.get()?.write(bytes).await?;
        self.counters.bytes_written.fetch_add(length, Relaxed);
        Ok(())
    }

    /// Writes what ends the zip: the table and the directory.
    pub(crate) async fn end(&mut self) -> Result<(), ExtractError> {
        let contents = std::mem::take(&mut self.contents);
        self.entry(CONTENTS, contents.as_bytes()).await?;
        let zip = self.zip.take().ok_or_else(closed)?;
        let directory = zip.finish().await.map_err(|e| in_zip(&e))?;
        self.write(directory).await
    }

    /// Makes the zip visible.
    pub(crate) async fn finish(mut self) -> Result<(), ExtractError> {
        let sink = self.sink.0.take().ok_or_else(closed)?;
        Ok(sink.finish().await?)
    }

    /// Throws the zip away.
    pub(crate) async fn abort(mut self) {
        if let Some(sink) = self.sink.0.take() {
            sink.abort().await;
        }
    }
}

/// A sink that is aborted when it is dropped.
struct Guard(Option<Box<dyn Sink>>);

impl Guard {
    fn get(&mut self) -> Result<&mut Box<dyn Sink>, SinkError> {
        self.0.as_mut().ok_or_else(closed)
    }
}

fn closed() -> SinkError {
    SinkError("the zip is closed".into())
}

fn in_zip(error: &async_zip::error::ZipError) -> SinkError {
    SinkError(error.to_string())
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(sink) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(sink.abort());
        }
    }
}
