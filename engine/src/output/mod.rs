//! Frames into the zip, and the zip into the sink.

mod zip;

use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;

use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::layout::{Coded, Picture};
use crate::io::sink::{Sink, SinkError};
use crate::options::Options;
use crate::plan::moments::Moments;
use crate::previews::Collector;
use crate::reason::Reason;
use zip::Zip;

/// The zip's table of contents: which frame is on screen at which moment.
const CONTENTS: &str = "frames.csv";

/// Its first line: the file of a frame, when it begins, and the moment.
const HEADINGS: &str = "file,seconds,at\n";

/// A frame that is on screen at some moments.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) picture: Picture,
    /// When it begins, in seconds on the player's clock.
    pub(crate) begins: f64,
    /// The moments, counted from zero.
    pub(crate) moments: Range<u64>,
    /// How it is coded, where the image may have another size.
    pub(crate) coded: Option<Coded>,
}

/// The most rows that the table may have: eleven days, at a moment a second.
const MAX_MOMENTS: u64 = 1_000_000;

/// Where frames go, whatever found them.
pub(crate) struct Output {
    sink: Guard,
    /// There until its directory has been written.
    zip: Option<Zip>,
    contents: String,
    options: Options,
    moments: Moments,
    counters: Arc<Counters>,
    frames: u64,
    /// How many moments have their frame.
    filled: u64,
    /// The name of the last frame.
    last: String,
    /// What previews are made of.
    collector: Collector,
}

impl Output {
    pub(crate) fn new(sink: Box<dyn Sink>, options: &Options, counters: Arc<Counters>) -> Self {
        Self {
            sink: Guard(Some(sink)),
            zip: Some(Zip::new(options.modified)),
            contents: HEADINGS.into(),
            options: options.clone(),
            moments: Moments::new(options),
            counters,
            frames: 0,
            filled: 0,
            last: String::new(),
            collector: Collector::new(options),
        }
    }

    /// What previews are made of, once all frames have come.
    pub(crate) fn take_collector(&mut self) -> Collector {
        std::mem::take(&mut self.collector)
    }

    /// How many frames are in the zip.
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// How many moments have their frame.
    pub(crate) fn moments(&self) -> u64 {
        self.filled
    }

    /// The frames will come once more from the first one, in another way, which may give others: the
    /// zip is begun again. Where it has gone already to where it cannot be taken back, it goes on
    /// behind the frames that it has.
    pub(crate) async fn restart(&mut self) -> Result<(), ExtractError> {
        if self.filled == 0 || !self.sink.get()?.restart().await? {
            return Ok(());
        }
        self.zip = Some(Zip::new(self.options.modified));
        self.contents = HEADINGS.into();
        (self.frames, self.filled) = (0, 0);
        self.collector = Collector::new(&self.options);
        self.counters.frames.store(0, Relaxed);
        self.counters.bytes_written.store(0, Relaxed);
        Ok(())
    }

    /// Takes one frame.
    pub(crate) async fn frame(&mut self, frame: Frame) -> Result<(), ExtractError> {
        let (image, begins, moments) = (&frame.picture.image, frame.begins, &frame.moments);
        let limits = &self.options.limits;
        if begins > limits.duration.as_secs_f64() {
            return Err(Reason::TooLong {
                limit: limits.duration.as_secs(),
            }
            .into());
        }
        if moments.end > MAX_MOMENTS {
            return Err(Reason::TooManyFrames { limit: MAX_MOMENTS }.into());
        }
        // Those before have their frame already, from a way that was given up.
        let mut stored = false;
        for number in moments.start.max(self.filled)..moments.end {
            if !stored || self.options.repeat {
                self.image(image).await?;
                stored = true;
            }
            let (at, last) = (self.moments.millis(number), &self.last);
            let (begins, seconds, millis) = (begins.max(0.0), at / 1000, at % 1000);
            // Writing to a string cannot fail.
            let _ = writeln!(self.contents, "{last},{begins:.3},{seconds}.{millis:03}");
            self.filled = number + 1;
        }
        if stored {
            self.collector.take(&frame, self.counters.span());
        }
        self.counters.set_position(begins);
        Ok(())
    }

    /// Stores an image under the next name.
    async fn image(&mut self, image: &[u8]) -> Result<(), ExtractError> {
        let limit = self.options.limits.frames;
        if self.frames >= limit {
            return Err(Reason::TooManyFrames { limit }.into());
        }
        let extension = self.options.format.extension();
        let name = format!("frame_{:05}.{extension}", self.frames + 1);
        self.entry(&name, image).await?;
        self.last = name;
        self.frames += 1;
        self.counters.frames.store(self.frames, Relaxed);
        Ok(())
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

    /// Writes what ends the zip: the table, with what there is to be warned of, and the directory.
    pub(crate) async fn end(&mut self, warning: Option<&str>) -> Result<(), ExtractError> {
        let mut contents = std::mem::take(&mut self.contents);
        if let Some(warning) = warning {
            contents = with_warning(&contents, warning);
        }
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

/// The table with one more column, in whose first cell the warning stands (RFC 4180).
fn with_warning(table: &str, warning: &str) -> String {
    let warning = warning.replace('"', "\"\"");
    let cells = ["warning".to_owned(), format!("\"{warning}\"")];
    let cells = cells.into_iter().chain(std::iter::repeat(String::new()));
    let mut all = String::with_capacity(table.len() * 2);
    for (line, cell) in table.lines().zip(cells) {
        // Writing to a string cannot fail.
        let _ = writeln!(all, "{line},{cell}");
    }
    all
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_a_column_of_its_own() {
        let table = "file,seconds,at\na.jpg,0.000,0.000\na.jpg,0.000,1.000\n";
        assert_eq!(
            with_warning(table, "cut off, \"so\""),
            "file,seconds,at,warning\na.jpg,0.000,0.000,\"cut off, \"\"so\"\"\"\na.jpg,0.000,1.000,\n"
        );
    }
}
