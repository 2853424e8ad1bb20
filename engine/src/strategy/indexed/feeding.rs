//! Decoders being started and fed, the next one while the last one's frames are still read.

use std::num::NonZeroUsize;

use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::oneshot;

use super::remuxer::RemuxStep;
use crate::error::ExtractError;
use crate::ffmpeg::arguments;
use crate::ffmpeg::layout::Layout;
use crate::ffmpeg::pictures::Pictures;
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::process::{Reads, Running};
use crate::ffmpeg::program::Ffmpeg;
use crate::options::Options;
use crate::strategy::outcome::PlanFailure;

/// Decoders at work at a time.
pub(super) const AT_ONCE: usize = 2;

/// A decoder at work.
pub(super) struct StartedDecoder {
    pub(super) pictures: Pictures,
    /// Whether it shows frames before it trusts them.
    pub(super) show_all: bool,
    /// Says whether it has taken all of its input, once it has.
    pub(super) fed: oneshot::Receiver<bool>,
}

/// Starts decoders as `steps` say, gives them to `started` and feeds them.
///
/// No decoder is started before there is room for it in `started`.
pub(super) async fn start_and_feed(
    ffmpeg: &Ffmpeg,
    options: &Options,
    presentation: &Presentation,
    mut steps: Receiver<RemuxStep>,
    started: Sender<StartedDecoder>,
) -> Result<(), PlanFailure> {
    let mut next = steps.recv().await;
    while let Some(step) = next {
        let RemuxStep::StartDecoder { show_all } = step else {
            return Err(ExtractError::Machine("no decoder to feed".into()).into());
        };
        let Ok(room) = started.reserve().await else {
            return Ok(());
        };
        let running = start_decoder(ffmpeg, options, presentation, show_all)?;
        let mut pictures = Pictures::new(running, Layout::Pictures, options, presentation)?;
        let stdin = pictures
            .take_stdin()
            .ok_or_else(|| ExtractError::Machine("ffmpeg has no standard input".into()))?;
        let (told, fed) = oneshot::channel();
        room.send(StartedDecoder {
            pictures,
            show_all,
            fed,
        });
        let done = feed_one(stdin, &mut steps).await;
        // Whoever reads its pictures may have given up on them.
        let _ = told.send(done.is_some());
        let Some(following) = done else {
            return Ok(());
        };
        next = following;
    }
    Ok(())
}

/// Writes to a decoder what is for it, and returns the step after that; `None` if it closed its
/// input before.
async fn feed_one(
    mut stdin: ChildStdin,
    steps: &mut Receiver<RemuxStep>,
) -> Option<Option<RemuxStep>> {
    loop {
        match steps.recv().await {
            Some(RemuxStep::Feed(bytes)) => stdin.write_all(&bytes).await.ok()?,
            next => return Some(next),
        }
    }
}

fn start_decoder(
    ffmpeg: &Ffmpeg,
    options: &Options,
    presentation: &Presentation,
    show_all: bool,
) -> Result<Running, ExtractError> {
    let limits = &options.limits;
    // Where one starts at a recovery point, others do, and share the processors.
    let threads = if show_all {
        ffmpeg.threads.get() / AT_ONCE
    } else {
        ffmpeg.threads.get()
    };
    let share = Ffmpeg {
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
        ..ffmpeg.clone()
    };
    let mut arguments = arguments::before_input(&share, limits, "mov", "pipe");
    let show_all: &[&str] = if show_all {
        &["-flags2", "+showall"]
    } else {
        &[]
    };
    let input = ["-copyts", "-f", "mov", "-i", "pipe:0"];
    arguments.extend(show_all.iter().chain(&input).map(Into::into));
    arguments.extend(arguments::marked(options, presentation));
    Running::start(
        ffmpeg,
        limits,
        Reads::Written,
        &presentation.files(),
        arguments,
    )
}
