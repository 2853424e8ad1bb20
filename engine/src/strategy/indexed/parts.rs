//! A plan in parts, decoded beside each other, so that all processors are at work.
//!
//! A part is some GOP runs, which depend on nothing outside: its decoder is a new one, and gives the same
//! pictures as one that has decoded what comes before. Frames go on in the plan's order; those of later
//! parts wait in memory, of which each part has its share.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::try_join;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Work, decode_in_order, fetch};
use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::Index;
use crate::error::ExtractError;
use crate::ffmpeg::program::Ffmpeg;
use crate::output::{Frame, Output};
use crate::plan::{GopRun, Plan};
use crate::strategy::outcome::{PlanFailure, PlanMismatch};

/// Parts decoded at a time, each by an ffmpeg of its own with its own memory. More processors than
/// these are shared out among them as threads.
const MAX_AT_ONCE: usize = 4;

/// How many parts may have begun, for each that is decoded at a time: while a long one is awaited, those
/// behind it go on.
const BEGUN: usize = 2;

/// What a part has to do at least, in pixels: some seconds, beside which a start of ffmpeg is little.
const MIN_WORK: u64 = 1_000_000_000;

/// How many parts there are for each that is decoded at a time, so that all end at about the same time.
const SHARES: u64 = 8;

/// Making an image of a picture takes as long as decoding so many.
const IMAGE: u64 = 2;

/// How much of the frames of a part that is not being read waits in memory, in kibibytes.
const WAITING: u32 = 16 << 10;

/// Where frames go: into the output at once, or to whoever reads one part after the other.
pub(super) enum FrameReceiver<'a> {
    Output(&'a mut Output),
    Part(PartSender),
}

/// The frames of a part on their way.
pub(super) struct PartSender {
    frames: UnboundedSender<(Frame, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

type PartReceiver = UnboundedReceiver<(Frame, OwnedSemaphorePermit)>;

impl FrameReceiver<'_> {
    /// Takes the next frame of the plan, or of the part.
    pub(super) async fn frame(&mut self, frame: Frame) -> Result<(), ExtractError> {
        let sender = match self {
            Self::Output(output) => return output.frame(frame).await,
            Self::Part(sender) => sender,
        };
        let thumbnail = frame.picture.thumbnail.as_ref();
        let bytes = frame.picture.image.len() + thumbnail.map_or(0, |small| small.planes.len());
        let size = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        let room = Arc::clone(&sender.room).acquire_many_owned(size.clamp(1, WAITING));
        let gone = |_| ExtractError::Machine("nobody reads the frames".into());
        let permit = room.await.map_err(gone)?;
        // Whoever reads them may have given up; the error is told there.
        let _ = sender.frames.send((frame, permit));
        Ok(())
    }
}

fn part_channel() -> (PartSender, PartReceiver) {
    let (frames, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(WAITING as usize));
    (PartSender { frames, room }, receiver)
}

/// The parts of `plan` where decoding them beside each other is worth while; else none.
pub(super) fn split(
    index: &Index,
    plan: &Plan,
    threads: NonZeroUsize,
) -> Result<Vec<Plan>, IndexUnusable> {
    let at_once = threads.get().min(MAX_AT_ONCE);
    let pixels = index.init.pixels();
    let work = |run: &GopRun| {
        let (samples, images) = (run.samples.len() as u64, run.targets.len() as u64);
        pixels.saturating_mul(samples + images * IMAGE)
    };
    let all: u64 = plan.gop_runs.iter().map(work).fold(0, u64::saturating_add);
    if at_once < 2 || all < 2 * MIN_WORK {
        return Ok(Vec::new());
    }
    let share = (all / (at_once as u64 * SHARES)).clamp(MIN_WORK, 4 * MIN_WORK);
    let (mut parts, mut start, mut sum) = (Vec::new(), 0, 0_u64);
    for (number, run) in plan.gop_runs.iter().enumerate() {
        sum = sum.saturating_add(work(run));
        let end = number + 1;
        if sum >= share || end == plan.gop_runs.len() {
            parts.push(plan.part(index, start..end)?);
            (start, sum) = (end, 0);
        }
    }
    if parts.len() < 2 {
        parts.clear();
    }
    Ok(parts)
}

/// Decodes `parts` beside each other, and gives their frames to `output` in order.
pub(super) async fn decode_at_once(
    ffmpeg: &Ffmpeg,
    work: Work<'_>,
    parts: &[Plan],
    output: &mut Output,
) -> Result<(), PlanFailure> {
    let at_once = ffmpeg.threads.get().min(MAX_AT_ONCE);
    let threads = NonZeroUsize::new(ffmpeg.threads.get() / at_once);
    let share = &Ffmpeg {
        threads: threads.unwrap_or(NonZeroUsize::MIN),
        ..ffmpeg.clone()
    };
    let ahead = (fetch::AHEAD / at_once).max(1);
    let (senders, receivers): (Vec<_>, Vec<_>) = parts.iter().map(|_| part_channel()).unzip();
    // The first one finds out how the video is to be presented; then the others begin.
    let begin = &Arc::new(Semaphore::new(1));
    let decode = |(number, sender): (usize, PartSender)| async move {
        let permit = begin.acquire().await;
        permit
            .map_err(|_| ExtractError::Machine("no part may begin".into()))?
            .forget();
        let mut receiver = FrameReceiver::Part(sender);
        let done = decode_in_order(share, work, &parts[number], ahead, &mut receiver).await;
        match done {
            Err(PlanFailure::Presentation(_)) if number > 0 => {
                Err(PlanMismatch("the video changes on its way".into()).into())
            }
            done => done,
        }
    };
    let decoding = stream::iter(senders.into_iter().enumerate())
        .map(decode)
        .buffer_unordered(at_once)
        .try_for_each(|()| std::future::ready(Ok(())));
    let giving = async {
        let mut waits = true;
        for mut frames in receivers {
            while let Some((frame, room)) = frames.recv().await {
                if std::mem::take(&mut waits) {
                    begin.add_permits(at_once * BEGUN - 1);
                }
                output.frame(frame).await?;
                drop(room);
            }
            begin.add_permits(1);
        }
        Ok(())
    };
    try_join(decoding, giving).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::bitstream::CodecFamily;
    use crate::container::isobmff::write::{SampleDescription, write_init_boxes};
    use crate::container::isobmff::{Codec, PresentationRange, Sample, TrackChoice, TrackReason};
    use crate::options::Options;

    /// 1080p at 25 frames a second with a keyframe each two seconds, for so many seconds.
    fn index(seconds: u32) -> Index {
        let description = SampleDescription {
            fourcc: *b"vp09",
            width: 1920,
            height: 1080,
            sample_aspect: None,
            colours: None,
            configuration: None,
        };
        let samples = (0..seconds * 25).map(|number| {
            let sync = number % 50 == 0;
            Sample::new(u64::from(number) * 1000, 1000, number.into(), 0, sync)
        });
        Index {
            codec: Codec {
                fourcc: "vp09".into(),
                family: CodecFamily::Vp9,
            },
            timescale: 25,
            samples: samples.collect(),
            cuts: Vec::new(),
            prefix: Bytes::new(),
            presentation_range: PresentationRange::ALL,
            clock_offset: 0,
            init: write_init_boxes(&description),
            track: TrackChoice {
                number: 1,
                of: 1,
                reason: TrackReason::First,
            },
            duration_ms: 0,
        }
    }

    fn parts(seconds: u32, every: u64, threads: usize) -> (Plan, Vec<Plan>) {
        let options = Options {
            every: Duration::from_millis(every),
            ..Options::default()
        };
        let index = index(seconds);
        let plan = Plan::indexed(&index, u64::from(seconds) * 25_000, &options).expect("a plan");
        let threads = NonZeroUsize::new(threads).expect("some");
        let parts = split(&index, &plan, threads).expect("parts");
        (plan, parts)
    }

    #[test]
    fn parts_are_the_plan_in_order() {
        for (every, threads) in [(1000, 2), (2100, 4), (700, 16)] {
            let (plan, parts) = parts(600, every, threads);
            assert!(parts.len() >= threads.min(MAX_AT_ONCE), "{every} {threads}");
            let targets: Vec<_> = parts.iter().flat_map(|part| part.targets.clone()).collect();
            assert_eq!(targets, plan.targets);
            let samples = |runs: &[GopRun]| runs.iter().map(|run| run.samples.clone()).collect();
            let of_parts = parts.iter().flat_map(|part| part.gop_runs.clone());
            let of_parts: Vec<GopRun> = of_parts.collect();
            let found: Vec<_> = samples(&of_parts);
            let planned: Vec<_> = samples(&plan.gop_runs);
            assert_eq!(found, planned);
            for part in &parts {
                assert_eq!(part.gop_runs[0].targets.start, 0);
                let last = part.gop_runs.last().expect("some").targets.end;
                assert_eq!(last as usize, part.targets.len());
            }
        }
    }

    #[test]
    fn little_work_is_not_parted() {
        assert_eq!(parts(600, 1000, 1).1, []);
        assert_eq!(parts(30, 1000, 2).1, []);
        assert_eq!(parts(600, 60_000, 2).1, []);
    }
}
