//! The decoders that a plan needs: mostly one, a new one wherever a group cannot follow another.

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc::Receiver;

use super::Broken;
use crate::command;
use crate::error::ExtractError;
use crate::feed::{Act, Surprise};
use crate::ffmpeg::Ffmpeg;
use crate::fragment::Times;
use crate::frames::{Frame, Frames, Next};
use crate::index::Index;
use crate::options::Options;
use crate::output::Output;
use crate::plan::Plan;
use crate::process::{Ended, Running, Stdin};
use crate::verdict::verdict;

/// How far a time told in decimals may be from the time itself, in seconds.
const TOLERANCE: f64 = 2e-6;

/// Picks the frames that are marked by an odd time.
fn select() -> String {
    format!("if(mod(pts,2),{},0)", command::TAKE)
}

/// Runs decoders and checks what they give.
pub(super) struct Decoder<'a> {
    ffmpeg: &'a Ffmpeg,
    options: &'a Options,
    index: &'a Index,
    plan: &'a Plan,
    times: Times,
    /// How many of the plan's targets have been given.
    given: usize,
}

/// How one decoder was fed.
enum Fed {
    /// Up to the end, or to where the next one starts.
    All { next: Option<Act> },
    /// It closed its input before.
    Refused,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(
        ffmpeg: &'a Ffmpeg,
        options: &'a Options,
        index: &'a Index,
        plan: &'a Plan,
    ) -> Self {
        Self {
            ffmpeg,
            options,
            index,
            plan,
            times: Times::of(index),
            given: 0,
        }
    }

    /// Does what comes through `acts`, and gives all frames of the plan to `output`.
    pub(super) async fn run(
        mut self,
        mut acts: Receiver<Act>,
        output: &mut Output,
    ) -> Result<(), Broken> {
        let mut next = acts.recv().await;
        while let Some(act) = next {
            let Act::Start { fresh } = act else {
                return Err(ExtractError::Machine("no decoder to feed".into()).into());
            };
            next = self.one(fresh, &mut acts, output).await?;
        }
        match self.plan.targets.len() - self.given {
            0 => Ok(()),
            missing => Err(Surprise(format!("{missing} frames are missing")).into()),
        }
    }

    /// Starts and ends one decoder; returns the act that starts the next.
    async fn one(
        &mut self,
        fresh: bool,
        acts: &mut Receiver<Act>,
        output: &mut Output,
    ) -> Result<Option<Act>, Broken> {
        let mut frames = Frames::of(self.start(fresh)?, self.options)?;
        let stdin = frames
            .take_stdin()
            .ok_or_else(|| ExtractError::Machine("ffmpeg has no standard input".into()))?;
        let mut fed = None;
        {
            let feeding = feed(stdin, acts);
            let reading = self.read(&mut frames, fresh, output);
            tokio::pin!(feeding, reading);
            loop {
                tokio::select! {
                    how = &mut feeding, if fed.is_none() => fed = Some(how),
                    read = &mut reading => break read?,
                }
            }
        }
        self.check(&frames.wait().await?, fresh)?;
        match fed {
            Some(Fed::All { next }) => Ok(next),
            Some(Fed::Refused) | None => Err(Surprise("the decoder ended early".into()).into()),
        }
    }

    fn start(&self, fresh: bool) -> Result<Running, ExtractError> {
        let limits = &self.options.limits;
        let mut arguments = command::before_input(self.ffmpeg, limits, "mov", "pipe");
        let show_all: &[&str] = if fresh { &["-flags2", "+showall"] } else { &[] };
        let input = ["-copyts", "-f", "mov", "-i", "pipe:0"];
        arguments.extend(show_all.iter().chain(&input).map(Into::into));
        arguments.extend(command::after_input(self.options, &select()));
        Running::start(self.ffmpeg, limits, Stdin::Piped, arguments)
    }

    /// Reads frames until there are no more.
    async fn read(
        &mut self,
        frames: &mut Frames,
        fresh: bool,
        output: &mut Output,
    ) -> Result<(), Broken> {
        loop {
            match frames.next().await? {
                Next::Duration(_) => {}
                Next::End { .. } => return Ok(()),
                Next::Frame(_) if frames.complained() && !fresh => {
                    return Err(Surprise("the decoder complained".into()).into());
                }
                Next::Frame(frame) => output.frame(self.expected(frame)?).await?,
            }
        }
    }

    /// Makes sure that `frame` is the next of the plan, and gives it the time it has there.
    fn expected(&mut self, frame: Frame) -> Result<Frame, Surprise> {
        let target = self.plan.targets.get(self.given);
        let sample = target.and_then(|target| self.index.samples.get(target.sample as usize));
        let (Some(target), Some(sample)) = (target, sample) else {
            return Err(Surprise("there is a frame too many".into()));
        };
        let expected = self.times.seconds(self.times.pts(sample, true));
        if (frame.timestamp - expected).abs() > TOLERANCE {
            let what = format!("a frame at {} instead of {expected} s", frame.timestamp);
            return Err(Surprise(what));
        }
        self.given += 1;
        Ok(Frame {
            timestamp: target.seconds,
            ..frame
        })
    }

    /// Makes sure that nothing was amiss. A decoder that starts fresh complains of what comes
    /// before its start.
    fn check(&self, ended: &Ended, fresh: bool) -> Result<(), Broken> {
        let given = self.given as u64;
        match verdict(ended, given.max(1), &self.options.limits) {
            Ok(None) if ended.log.complaints == 0 || fresh => Ok(()),
            Ok(None) => {
                let first = ended.log.first.first().cloned();
                Err(Surprise(first.unwrap_or_default()).into())
            }
            Ok(Some(damage)) => Err(Surprise(damage).into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Writes to a decoder what is for it.
async fn feed(mut stdin: ChildStdin, acts: &mut Receiver<Act>) -> Fed {
    loop {
        let bytes: Bytes = match acts.recv().await {
            Some(Act::Feed(bytes)) => bytes,
            next => return Fed::All { next },
        };
        if stdin.write_all(&bytes).await.is_err() {
            return Fed::Refused;
        }
    }
}
