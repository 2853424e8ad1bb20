//! What a plan's decoders give: mostly one, a new one wherever a group cannot follow another.

use futures::future::try_join;
use tokio::sync::mpsc::{self, Receiver};

use super::Broken;
use super::feeding::{AT_ONCE, Started, feed};
use crate::feed::{Act, Surprise};
use crate::ffmpeg::Ffmpeg;
use crate::fragment::Times;
use crate::frames::{Frame, Next};
use crate::index::Index;
use crate::options::Options;
use crate::output::Output;
use crate::plan::Plan;
use crate::process::Ended;
use crate::verdict::verdict;

/// How far a time told in decimals may be from the time itself, in seconds.
const TOLERANCE: f64 = 2e-6;

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
        acts: Receiver<Act>,
        output: &mut Output,
    ) -> Result<(), Broken> {
        // One of those at work is being read; its frames come first, those of the others wait in
        // their pipes.
        let (sender, started) = mpsc::channel(AT_ONCE - 1);
        let feeding = feed(self.ffmpeg, self.options, acts, sender);
        try_join(feeding, self.read(started, output)).await?;
        match self.plan.targets.len() - self.given {
            0 => Ok(()),
            missing => Err(Surprise(format!("{missing} frames are missing")).into()),
        }
    }

    /// Reads what decoders give, one after the other.
    async fn read(
        &mut self,
        mut started: Receiver<Started>,
        output: &mut Output,
    ) -> Result<(), Broken> {
        while let Some(decoder) = started.recv().await {
            self.one(decoder, output).await?;
        }
        Ok(())
    }

    /// Reads frames until there are no more, and makes sure that nothing was amiss.
    async fn one(&mut self, decoder: Started, output: &mut Output) -> Result<(), Broken> {
        let Started {
            mut frames,
            fresh,
            fed,
        } = decoder;
        loop {
            match frames.next().await? {
                Next::Duration(_) => {}
                Next::End { .. } => break,
                Next::Frame(_) if frames.complained() && !fresh => {
                    return Err(Surprise("the decoder complained".into()).into());
                }
                Next::Frame(frame) => output.frame(self.expected(frame)?).await?,
            }
        }
        self.check(&frames.wait().await?, fresh)?;
        match fed.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Surprise("the decoder ended early".into()).into()),
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
