//! The frame extractor: the engine, reading from and writing to S3.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fotograma_core::domain::{self, ExtractionRequest, Mode, keys};
use fotograma_core::ports::{ExtractionError, FrameExtractor, ProgressListener};
use fotograma_core::{Error, Result};
use fotograma_engine::{
    Cancelled, ExtractError, Extraction, Ffmpeg, Format, Hdr, OnDamage, Options, Previews, Samples,
    SourceError, Storyboard,
};
use tokio::sync::{Mutex, OnceCell};

use crate::aws::{Aws, S3Sink, S3Source, Upload};
use crate::self_test;

/// How long ffmpeg may take to tell its version.
const FIND_TIME: Duration = Duration::from_mins(1);

/// [`FrameExtractor`] by ffmpeg, from S3 to S3.
pub struct EngineFrames {
    aws: Arc<Aws>,
    ffmpeg_path: Option<PathBuf>,
    ffmpeg: OnceCell<Ffmpeg>,
    options: Options,
}

impl EngineFrames {
    /// Extracts with the ffmpeg at this path, or else the one that is found, which is looked for
    /// when the first request comes: most services never need one. `options` are what the operator
    /// chose (limits, quality); a request's interval and time take their place in them.
    #[must_use]
    pub fn new(aws: Arc<Aws>, ffmpeg_path: Option<PathBuf>, options: Options) -> Self {
        Self {
            aws,
            ffmpeg_path,
            ffmpeg: OnceCell::new(),
            options,
        }
    }

    async fn ffmpeg(&self) -> Result<&Ffmpeg> {
        self.ffmpeg
            .get_or_try_init(|| async {
                // It is asked for its version: one that hangs would never tell.
                let found = Ffmpeg::find(self.ffmpeg_path.as_deref());
                match tokio::time::timeout(FIND_TIME, found).await {
                    Ok(Ok(ffmpeg)) => Ok(ffmpeg),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("ffmpeg does not tell its version".to_owned()),
                }
            })
            .await
            .map_err(|error| Error::operational(format!("no frames can be made: {error}")))
    }

    /// Makes frames of a tiny clip that is built in.
    ///
    /// # Errors
    /// [`Error::Operational`] when this machine cannot: it has no ffmpeg, or one that does not work.
    pub async fn self_test(&self) -> Result<()> {
        self_test::extract_clip(self.ffmpeg().await?).await
    }

    /// Stores the pictures by which a video is known beside its zip.
    async fn store(&self, zip_key: &str, made: &Previews) -> Result<()> {
        let Storyboard { sheet, .. } = &made.storyboard;
        // Beside it, so that its name is a relative address.
        let cues = made.storyboard.web_vtt(keys::STORYBOARD);
        for (name, content_type, bytes) in [
            (keys::POSTER, "image/jpeg", made.poster.clone()),
            (keys::STORYBOARD, "image/jpeg", sheet.clone()),
            (keys::STORYBOARD_CUES, "text/vtt", cues.into()),
        ] {
            let key = keys::beside_zip(zip_key, name);
            let mut object = Upload::new(Arc::clone(&self.aws), &key, Some(content_type));
            object.write(bytes).await?;
            object.finish().await?;
        }
        Ok(())
    }

    /// What an extraction's error means for the video. A decoder that fails on a machine that is not
    /// sound says nothing about the video: so the built-in clip is tried before it is believed.
    async fn judge(&self, error: ExtractError) -> ExtractionError {
        let judged = match error {
            ExtractError::Video(reason) => ExtractionError::Video(reason.to_string()),
            ExtractError::Machine(why) => ExtractionError::TooMuch(why),
            error => return plain_error(error),
        };
        match self.self_test().await {
            Ok(()) => judged,
            Err(error) => ExtractionError::Other(error),
        }
    }
}

#[async_trait]
impl FrameExtractor for EngineFrames {
    async fn extract(
        &self,
        request: &ExtractionRequest,
        listener: &dyn ProgressListener,
    ) -> Result<domain::Extraction, ExtractionError> {
        let ffmpeg = self.ffmpeg().await?;
        let source = S3Source::open(Arc::clone(&self.aws), &request.key, &request.etag)
            .await
            .map_err(|error| plain_error(error.into()))?;
        let sink = S3Sink::new(Arc::clone(&self.aws), &request.zip_key);
        let options = options_of(request, &self.options);
        let bridge = ProgressBridge {
            listener,
            answer: Mutex::new(None),
        };
        let outcome =
            fotograma_engine::extract(ffmpeg, Arc::new(source), Box::new(sink), &options, &bridge)
                .await;
        match outcome {
            Ok(done) => {
                tracing::info!(
                    key = request.key,
                    frames = done.frames,
                    zip_bytes = done.bytes_written,
                    source_bytes = done.source_bytes,
                    bytes_read = done.bytes_read,
                    requests = done.requests,
                    strategy = ?done.strategy,
                    reason = %done.strategy_reason,
                    damaged = done.damaged,
                    "frames extracted"
                );
                measure(&done);
                if let Some(made) = &done.previews {
                    self.store(&request.zip_key, made).await?;
                }
                Ok(domain::Extraction {
                    frames: done.frames,
                    moments: done.moments,
                    duration: done.duration,
                    bytes_read: done.bytes_read,
                    zip_bytes: done.bytes_written,
                    warning: done.warning(),
                    previews: done.previews.is_some(),
                })
            }
            Err(ExtractError::Cancelled(cancelled)) => {
                let answer = bridge.answer.into_inner();
                Err(answer.unwrap_or(Error::transient(cancelled.0)).into())
            }
            Err(error) => Err(self.judge(error).await),
        }
    }
}

/// The engine's options for a request, where the operator has chosen `chosen`.
fn options_of(request: &ExtractionRequest, chosen: &Options) -> Options {
    let asked = &request.options;
    Options {
        every: Duration::from_millis(asked.every_ms),
        mode: match asked.mode {
            Mode::Exact => fotograma_engine::Mode::Exact,
            Mode::Keyframe => fotograma_engine::Mode::Keyframe,
        },
        format: match asked.format {
            domain::Format::Jpg => Format::Jpg,
            domain::Format::Png => Format::Png,
            domain::Format::Webp => Format::Webp,
        },
        quality: asked.quality.unwrap_or(chosen.quality),
        width: asked.width.or(chosen.width),
        from: asked.from(),
        to: asked.to(),
        repeat: asked.repeat,
        track: asked.track,
        samples: match asked.samples {
            domain::Samples::Square => Samples::Square,
            domain::Samples::AsIs => Samples::AsIs,
        },
        hdr: match asked.hdr {
            domain::Hdr::ToneMap => Hdr::ToneMap,
            domain::Hdr::Keep => Hdr::Keep,
        },
        damaged: if asked.strict {
            OnDamage::Fail
        } else {
            OnDamage::Keep
        },
        previews: true,
        modified: u64::try_from(request.modified.timestamp()).unwrap_or(0),
        ..chosen.clone()
    }
}

fn measure(done: &Extraction) {
    let (strategy, reason) = (done.strategy.code(), done.strategy_reason.code());
    metrics::counter!("fotograma.extractions", "strategy" => strategy, "reason" => reason)
        .increment(1);
    metrics::counter!("fotograma.frames").increment(done.frames);
    metrics::counter!("fotograma.read").increment(done.bytes_read);
    metrics::counter!("fotograma.written").increment(done.bytes_written);
}

/// Tells a feature's listener what the engine tells, and keeps the error that it cancels with.
struct ProgressBridge<'a> {
    listener: &'a dyn ProgressListener,
    answer: Mutex<Option<Error>>,
}

#[async_trait]
impl fotograma_engine::ProgressListener for ProgressBridge<'_> {
    async fn on_progress(&self, progress: fotograma_engine::Progress) -> Result<(), Cancelled> {
        let progress = domain::Progress {
            percent: progress.percent,
            frames: progress.frames,
        };
        if let Err(error) = self.listener.progress(progress).await {
            let cancelled = Cancelled(error.to_string());
            *self.answer.lock().await = Some(error);
            return Err(cancelled);
        }
        Ok(())
    }
}

/// What an error means that is no decoder's.
fn plain_error(error: ExtractError) -> ExtractionError {
    match error {
        ExtractError::Video(reason) => ExtractionError::Video(reason.to_string()),
        ExtractError::Options(what) => ExtractionError::Video(what),
        ExtractError::Source(SourceError::Gone) => {
            ExtractionError::Video("The uploaded file is no longer there.".to_owned())
        }
        error => Error::transient(error.to_string()).into(),
    }
}

#[cfg(test)]
mod tests {
    use fotograma_engine::{Reason, SinkError};

    use super::*;

    #[test]
    fn only_the_videos_own_faults_are_final() {
        for (error, sentence) in [
            (ExtractError::Video(Reason::Empty), "The file is empty."),
            (
                SourceError::Changed.into(),
                "The file was replaced while it was being processed.",
            ),
            (
                SourceError::Gone.into(),
                "The uploaded file is no longer there.",
            ),
        ] {
            assert_eq!(
                plain_error(error),
                ExtractionError::Video(sentence.to_owned())
            );
        }
        for error in [
            ExtractError::Sink(SinkError("full".to_owned())),
            SourceError::Transient("cut".to_owned()).into(),
        ] {
            assert!(matches!(
                plain_error(error),
                ExtractionError::Other(Error::Transient(_))
            ));
        }
    }

    struct Stops;

    #[async_trait]
    impl ProgressListener for Stops {
        async fn progress(&self, _: domain::Progress) -> Result<()> {
            Err(Error::conflict("the lease is lost"))
        }
    }

    #[tokio::test]
    async fn the_listeners_own_error_is_kept() {
        let bridge = ProgressBridge {
            listener: &Stops,
            answer: Mutex::new(None),
        };
        let stop = fotograma_engine::ProgressListener::on_progress(
            &bridge,
            fotograma_engine::Progress::default(),
        );
        assert_eq!(stop.await, Err(Cancelled("the lease is lost".to_owned())));
        assert_eq!(
            bridge.answer.into_inner(),
            Some(Error::conflict("the lease is lost"))
        );
    }
}
