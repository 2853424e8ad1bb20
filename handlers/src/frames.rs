//! The frame extractor: the engine, reading from and writing to S3.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fotograma_core::domain::Mode;
use fotograma_core::ports::{self, FrameExtractor, Order};
use fotograma_core::{Error, Result};
use fotograma_engine::{Cancelled, ExtractError, Extraction, Ffmpeg, Options, SourceError};
use tokio::sync::{Mutex, OnceCell};

use crate::aws::{Aws, S3Sink, S3Source};

/// [`FrameExtractor`] by ffmpeg, from S3 to S3.
pub struct EngineFrames {
    aws: Arc<Aws>,
    ffmpeg_path: Option<PathBuf>,
    ffmpeg: OnceCell<Ffmpeg>,
    options: Options,
}

impl EngineFrames {
    /// Extracts with the ffmpeg at this path, or else the one that is found, which is looked for
    /// when the first order comes: most services never need one. `options` are what the operator
    /// chose (limits, quality); an order's interval and time take their place in them.
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
            .get_or_try_init(|| Ffmpeg::find(self.ffmpeg_path.as_deref()))
            .await
            .map_err(core_error)
    }
}

#[async_trait]
impl FrameExtractor for EngineFrames {
    async fn extract(&self, order: &Order, watch: &dyn ports::Watch) -> Result<ports::Extraction> {
        let ffmpeg = self.ffmpeg().await?;
        let source = S3Source::open(Arc::clone(&self.aws), &order.key, &order.etag)
            .await
            .map_err(|error| core_error(error.into()))?;
        let sink = S3Sink::new(Arc::clone(&self.aws), &order.zip_key);
        let options = Options {
            every: Duration::from_millis(order.every_ms),
            mode: match order.mode {
                Mode::Exact => fotograma_engine::Mode::Exact,
                Mode::Keyframe => fotograma_engine::Mode::Keyframe,
            },
            modified: u64::try_from(order.modified.timestamp()).unwrap_or(0),
            ..self.options.clone()
        };
        let watch = ProgressBridge {
            watch,
            answer: Mutex::new(None),
        };
        let outcome =
            fotograma_engine::extract(ffmpeg, Arc::new(source), Box::new(sink), &options, &watch)
                .await;
        match outcome {
            Ok(done) => {
                tracing::info!(
                    key = order.key,
                    frames = done.frames,
                    zip_bytes = done.bytes_written,
                    source_bytes = done.source_bytes,
                    bytes_read = done.bytes_read,
                    requests = done.requests,
                    strategy = ?done.strategy,
                    reason = %done.strategy_reason,
                    "frames extracted"
                );
                measure(&done);
                Ok(ports::Extraction {
                    frames: done.frames,
                    zip_bytes: done.bytes_written,
                })
            }
            Err(ExtractError::Cancelled(cancelled)) => Err(watch
                .answer
                .into_inner()
                .unwrap_or(Error::transient(cancelled.0))),
            Err(error) => Err(core_error(error)),
        }
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

/// Tells a feature's watch what the engine tells, and keeps the error it stops with.
struct ProgressBridge<'a> {
    watch: &'a dyn ports::Watch,
    answer: Mutex<Option<Error>>,
}

#[async_trait]
impl fotograma_engine::ProgressListener for ProgressBridge<'_> {
    async fn on_progress(&self, progress: fotograma_engine::Progress) -> Result<(), Cancelled> {
        let progress = ports::Progress {
            percent: progress.percent,
            frames: progress.frames,
        };
        if let Err(error) = self.watch.progress(progress).await {
            let cancelled = Cancelled(error.to_string());
            *self.answer.lock().await = Some(error);
            return Err(cancelled);
        }
        Ok(())
    }
}

fn core_error(error: ExtractError) -> Error {
    match error {
        ExtractError::Video(reason) => Error::unprocessable(reason.to_string()),
        ExtractError::Options(what) => Error::unprocessable(what),
        ExtractError::Source(SourceError::Gone) => {
            Error::unprocessable("The uploaded file is no longer there.")
        }
        error => Error::transient(error.to_string()),
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
            assert_eq!(core_error(error), Error::unprocessable(sentence));
        }
        for error in [
            ExtractError::Machine("no ffmpeg".to_owned()),
            ExtractError::Sink(SinkError("full".to_owned())),
            SourceError::Transient("cut".to_owned()).into(),
        ] {
            assert!(matches!(core_error(error), Error::Transient(_)));
        }
    }

    struct Stops;

    #[async_trait]
    impl ports::Watch for Stops {
        async fn progress(&self, _: ports::Progress) -> Result<()> {
            Err(Error::conflict("the lease is lost"))
        }
    }

    #[tokio::test]
    async fn the_watchs_own_error_is_kept() {
        let bridge = ProgressBridge {
            watch: &Stops,
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
