//! What a plan's decoders give: mostly one, a new one wherever a GOP run cannot follow another.

use futures::future::try_join;
use tokio::sync::mpsc::{self, Receiver};

use super::feeding::{AT_ONCE, StartedDecoder, start_and_feed};
use super::parts::FrameReceiver;
use super::remuxer::RemuxStep;
use crate::container::isobmff::Index;
use crate::container::isobmff::write::MarkedTimes;
use crate::ffmpeg::exit::damage_from_exit;
use crate::ffmpeg::layout::Picture;
use crate::ffmpeg::pictures::Given;
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::process::Ended;
use crate::ffmpeg::program::Ffmpeg;
use crate::options::Options;
use crate::output::Frame;
use crate::plan::Plan;
use crate::strategy::outcome::{OTHER_SIZES, PlanFailure, PlanMismatch};

/// How far a time in whole nanoseconds may be from the time itself, in seconds.
const TOLERANCE: f64 = 2e-9;

/// Runs decoders and checks what they give.
pub(super) struct Decoder<'a> {
    ffmpeg: &'a Ffmpeg,
    options: &'a Options,
    presentation: &'a Presentation,
    index: &'a Index,
    plan: &'a Plan,
    times: MarkedTimes,
    /// How many of the plan's targets have been given.
    given: usize,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(
        ffmpeg: &'a Ffmpeg,
        options: &'a Options,
        presentation: &'a Presentation,
        index: &'a Index,
        plan: &'a Plan,
    ) -> Self {
        Self {
            ffmpeg,
            options,
            presentation,
            index,
            plan,
            times: MarkedTimes::new(index),
            given: 0,
        }
    }

    /// Does what comes through `steps`, and gives all frames of the plan to `receiver`.
    pub(super) async fn decode(
        mut self,
        steps: Receiver<RemuxStep>,
        receiver: &mut FrameReceiver<'_>,
    ) -> Result<(), PlanFailure> {
        // One of those at work is being read; its frames come first, those of the others wait in
        // their pipes.
        let (sender, started) = mpsc::channel(AT_ONCE - 1);
        let feeding = start_and_feed(self.ffmpeg, self.options, self.presentation, steps, sender);
        try_join(feeding, self.read_decoders(started, receiver)).await?;
        match self.plan.targets.len() - self.given {
            0 => Ok(()),
            missing => Err(PlanMismatch(format!("{missing} frames are missing")).into()),
        }
    }

    /// Reads what decoders give, one after the other.
    async fn read_decoders(
        &mut self,
        mut started: Receiver<StartedDecoder>,
        receiver: &mut FrameReceiver<'_>,
    ) -> Result<(), PlanFailure> {
        while let Some(decoder) = started.recv().await {
            self.read_decoder(decoder, receiver).await?;
        }
        Ok(())
    }

    /// Reads frames until there are no more, and makes sure that nothing was amiss.
    async fn read_decoder(
        &mut self,
        decoder: StartedDecoder,
        receiver: &mut FrameReceiver<'_>,
    ) -> Result<(), PlanFailure> {
        let StartedDecoder {
            mut pictures,
            show_all,
            fed,
        } = decoder;
        loop {
            match pictures.next().await? {
                Given::Input { .. } | Given::Time(..) => {}
                Given::Presentation(other) if self.given == 0 => {
                    return Err(PlanFailure::Presentation(other));
                }
                Given::Presentation(_) => {
                    return Err(PlanMismatch("the video changes on its way".into()).into());
                }
                Given::End => break,
                Given::Picture(..) if pictures.complained() && !show_all => {
                    return Err(PlanMismatch("the decoder complained".into()).into());
                }
                Given::Picture(..) if pictures.has_other_sizes() => {
                    return Err(PlanMismatch(OTHER_SIZES.into()).into());
                }
                Given::Picture(time, picture) => {
                    let frame = self.expected(time, picture)?;
                    receiver.frame(frame).await?;
                }
            }
        }
        self.check_end(&pictures.wait().await?, show_all)?;
        match fed.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(PlanMismatch("the decoder ended early".into()).into()),
        }
    }

    /// Makes sure that a picture at `time` is the next of the plan.
    fn expected(&mut self, time: i64, picture: Picture) -> Result<Frame, PlanMismatch> {
        let target = self.plan.targets.get(self.given);
        let sample = target.and_then(|target| self.index.samples.get(target.sample as usize));
        let (Some(target), Some(sample)) = (target, sample) else {
            return Err(PlanMismatch("there is a frame too many".into()));
        };
        let expected = self.times.seconds(self.times.pts(sample, true));
        #[expect(clippy::cast_precision_loss, reason = "some days of nanoseconds fit")]
        let seconds = time as f64 / 1e9;
        // Far from zero, seconds in doubles are further apart.
        if (seconds - expected).abs() > TOLERANCE.max(expected.abs() * 1e-12) {
            let what = format!("a frame at {seconds} instead of {expected} s");
            return Err(PlanMismatch(what));
        }
        self.given += 1;
        Ok(Frame {
            picture,
            begins: target.seconds,
            moments: target.moments.clone(),
            coded: None,
        })
    }

    /// Makes sure that nothing was amiss. A decoder that shows all complains of what comes
    /// before its start.
    fn check_end(&self, ended: &Ended, show_all: bool) -> Result<(), PlanFailure> {
        if ended.log.other_sizes {
            return Err(PlanMismatch(OTHER_SIZES.into()).into());
        }
        let given = self.given as u64;
        match damage_from_exit(ended, given.max(1), &self.options.limits) {
            Ok(Some(_)) if show_all && ended.status.success() => Ok(()),
            Ok(None) => Ok(()),
            Ok(Some(damage)) => Err(PlanMismatch(damage).into()),
            Err(error) => Err(error.into()),
        }
    }
}
