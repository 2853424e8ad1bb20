//! Decoders being started and fed, the next one while the last one's frames are still read.

use std::num::NonZeroUsize;

use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::oneshot;

use super::Broken;
use crate::command;
use crate::error::ExtractError;
use crate::feed::Act;
use crate::ffmpeg::Ffmpeg;
use crate::frames::Frames;
use crate::options::Options;
use crate::process::{Running, Stdin};

/// Decoders at work at a time.
pub(super) const AT_ONCE: usize = 2;

/// A decoder at work.
pub(super) struct Started {
    pub(super) frames: Frames,
    /// Whether it shows frames before it trusts them.
    pub(super) fresh: bool,
    /// Says whether it has taken all of its input, once it has.
    pub(super) fed: oneshot::Receiver<bool>,
}

/// Starts decoders as `acts` say, gives them to `started` and feeds them.
///
/// No decoder is started before there is room for it in `started`.
pub(super) async fn feed(
    ffmpeg: &Ffmpeg,
    options: &Options,
    mut acts: Receiver<Act>,
    started: Sender<Started>,
) -> Result<(), Broken> {
    let mut next = acts.recv().await;
    while let Some(act) = next {
        let Act::Start { fresh } = act else {
            return Err(ExtractError::Machine("no decoder to feed".into()).into());
        };
        let Ok(room) = started.reserve().await else {
            return Ok(());
        };
        let mut frames = Frames::of(start(ffmpeg, options, fresh)?, options)?;
        let stdin = frames
            .take_stdin()
            .ok_or_else(|| ExtractError::Machine("ffmpeg has no standard input".into()))?;
        let (told, fed) = oneshot::channel();
        room.send(Started { frames, fresh, fed });
        let done = one(stdin, &mut acts).await;
        // Whoever reads its frames may have given up on them.
        let _ = told.send(done.is_some());
        let Some(following) = done else {
            return Ok(());
        };
        next = following;
    }
    Ok(())
}

/// Writes to a decoder what is for it, and returns the act after that; `None` if it closed its
/// input before.
async fn one(mut stdin: ChildStdin, acts: &mut Receiver<Act>) -> Option<Option<Act>> {
    loop {
        match acts.recv().await {
            Some(Act::Feed(bytes)) => stdin.write_all(&bytes).await.ok()?,
            next => return Some(next),
        }
    }
}

fn start(ffmpeg: &Ffmpeg, options: &Options, fresh: bool) -> Result<Running, ExtractError> {
    let limits = &options.limits;
    // Where one starts fresh, others do, and share the processors.
    let threads = if fresh {
        ffmpeg.threads.get() / AT_ONCE
    } else {
        ffmpeg.threads.get()
    };
    let share = Ffmpeg {
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
        ..ffmpeg.clone()
    };
    let mut arguments = command::before_input(&share, limits, "mov", "pipe");
    let show_all: &[&str] = if fresh { &["-flags2", "+showall"] } else { &[] };
    let input = ["-copyts", "-f", "mov", "-i", "pipe:0"];
    arguments.extend(show_all.iter().chain(&input).map(Into::into));
    // The wanted frames are marked by an odd time.
    let select = format!("if(mod(pts,2),{},0)", command::TAKE);
    arguments.extend(command::after_input(options, &select));
    Running::start(ffmpeg, limits, Stdin::Piped, arguments)
}
