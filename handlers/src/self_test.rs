//! Whether this machine can make frames: a tiny clip that is built in, through the whole engine.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::{Error, Result};
use fotograma_engine::{
    Ffmpeg, IgnoreProgress, Limits, Options, Sink, SinkError, Source, SourceError,
};

/// Two frames of H.264 in an MP4, 32 by 32 pixels, one second in all.
static CLIP: &[u8] = include_bytes!("self_test.mp4");

/// How long it may take: an ffmpeg that hangs must be known for what it is long before a video's time is up.
const LONGEST: Duration = Duration::from_mins(1);

/// Makes the frames of the built-in clip and throws them away.
///
/// # Errors
/// [`Error::Operational`] when this machine cannot.
pub(crate) async fn extract_clip(ffmpeg: &Ffmpeg) -> Result<()> {
    let limits = Limits {
        wall: LONGEST,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let made = fotograma_engine::extract(
        ffmpeg,
        Arc::new(Clip),
        Box::new(Nowhere),
        &options,
        &IgnoreProgress,
    )
    .await;
    let error = match made {
        Ok(made) if made.frames == 1 => return Ok(()),
        Ok(made) => format!("{} frames instead of one", made.frames),
        Err(error) => error.to_string(),
    };
    Err(Error::operational(format!(
        "this machine cannot make frames of a sound video: {error}"
    )))
}

struct Clip;

#[async_trait]
impl Source for Clip {
    fn len(&self) -> u64 {
        CLIP.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> std::result::Result<Bytes, SourceError> {
        let outside = || SourceError::Transient(format!("{range:?} is not in the clip"));
        let place = |at: u64| usize::try_from(at).map_err(|_| outside());
        let bytes = CLIP.get(place(range.start)?..place(range.end)?);
        bytes.map(Bytes::from_static).ok_or_else(outside)
    }
}

struct Nowhere;

#[async_trait]
impl Sink for Nowhere {
    async fn write(&mut self, _: Bytes) -> std::result::Result<(), SinkError> {
        Ok(())
    }

    async fn finish(self: Box<Self>) -> std::result::Result<(), SinkError> {
        Ok(())
    }

    async fn abort(self: Box<Self>) {}
}
