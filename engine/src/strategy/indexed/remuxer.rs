//! From a plan's bytes, as they arrive, to what decoders are fed.
//!
//! A pure state machine: it is given pieces of the file in ascending order, and answers with
//! what is to be done. Frames on which no other depends are left out on the way, and every
//! point at which decoding starts anew is checked in the samples themselves.

use bytes::Bytes;

use super::planned_samples::PlannedSamples;
use crate::bitstream::{self, CodecFamily, RandomAccess};
use crate::container::isobmff::write::{
    FragmentSample, MarkedTimes, write_fragment_header, write_init_segment,
};
use crate::container::isobmff::{Index, Sample};
use crate::plan::{GopRun, Plan};
use crate::strategy::outcome::PlanMismatch;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemuxStep {
    /// Ends the decoder there is, and starts another. `show_all` when it starts at a recovery
    /// point, and must show what it decodes before it trusts it.
    StartDecoder {
        /// Whether frames are shown before the decoder trusts them.
        show_all: bool,
    },
    /// Feeds these bytes to the decoder.
    Feed(Bytes),
}

/// A fragment is closed when it has this many samples, or bytes.
const BATCH_SAMPLES: usize = 64;
const BATCH_BYTES: usize = 512 << 10;

/// Feeds decoders by a plan.
#[derive(Debug)]
pub(crate) struct Remuxer<'a> {
    index: &'a Index,
    plan: &'a Plan,
    times: MarkedTimes,
    samples: PlannedSamples<'a>,
    /// The GOP run being fed, and the sample of it that comes next.
    gop_run: usize,
    next: u32,
    /// The samples of the targets not yet fed, the next one last.
    targets: Vec<u32>,
    batch: Batch,
    sequence: u32,
    started: bool,
    /// Samples fed, of those planned.
    fed: u64,
}

#[derive(Debug, Default)]
struct Batch {
    entries: Vec<FragmentSample>,
    data: Vec<u8>,
}

impl<'a> Remuxer<'a> {
    /// A remuxer for `plan`, which was made of `index`.
    #[must_use]
    pub(crate) fn new(index: &'a Index, plan: &'a Plan) -> Self {
        let mut targets: Vec<_> = plan.targets.iter().map(|target| target.sample).collect();
        targets.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            index,
            plan,
            times: MarkedTimes::new(index),
            samples: PlannedSamples::new(index, plan),
            gop_run: 0,
            next: plan
                .gop_runs
                .first()
                .map_or(0, |gop_run| gop_run.samples.start),
            targets,
            batch: Batch::default(),
            sequence: 0,
            started: false,
            fed: 0,
        }
    }

    /// How many samples have been fed.
    #[must_use]
    pub(crate) const fn fed(&self) -> u64 {
        self.fed
    }

    /// Whether all GOP runs have been fed.
    #[must_use]
    pub(crate) fn is_done(&self) -> bool {
        self.gop_run == self.plan.gop_runs.len()
    }

    /// Takes the file's bytes from `at` on, which follow those taken before, and appends to
    /// `steps` what they allow.
    ///
    /// # Errors
    /// When the bytes are not what the index says.
    pub(crate) fn take(
        &mut self,
        at: u64,
        bytes: Bytes,
        steps: &mut Vec<RemuxStep>,
    ) -> Result<(), PlanMismatch> {
        self.samples.add_piece(at, bytes);
        while let Some(gop_run) = self.plan.gop_runs.get(self.gop_run) {
            let Some((sample, data)) = self.samples.next_sample()? else {
                break;
            };
            self.remux_sample(gop_run, &sample, &data, steps)?;
            self.next += 1;
            if self.next == gop_run.samples.end {
                self.flush(steps);
                self.gop_run += 1;
                self.next = self
                    .plan
                    .gop_runs
                    .get(self.gop_run)
                    .map_or(0, |next| next.samples.start);
            }
        }
        Ok(())
    }

    fn remux_sample(
        &mut self,
        gop_run: &GopRun,
        sample: &Sample,
        data: &[u8],
        steps: &mut Vec<RemuxStep>,
    ) -> Result<(), PlanMismatch> {
        let family = self.index.codec.family;
        let broken_link =
            self.next == gop_run.samples.start && self.start_gop_run(family, data, steps)?;
        let wanted = self.targets.pop_if(|target| *target == self.next).is_some();
        if data.is_empty() || !wanted && bitstream::is_disposable(family, data) {
            return Ok(());
        }
        let entry = FragmentSample {
            size: u32::try_from(data.len()).unwrap_or(u32::MAX),
            dts: MarkedTimes::dts(sample),
            pts: self.times.pts(sample, wanted),
            sync: sample.sync(),
        };
        if self.batch.is_full_for(&entry) {
            self.flush(steps);
        }
        self.batch.entries.push(entry);
        let at = self.batch.data.len();
        self.batch.data.extend_from_slice(data);
        if broken_link {
            bitstream::mark_broken_link(family, &mut self.batch.data[at..]);
        }
        self.fed += 1;
        Ok(())
    }

    /// Starts decoding at a GOP run's first sample; returns whether the decoder must be told of the
    /// cut before it.
    fn start_gop_run(
        &mut self,
        family: CodecFamily,
        data: &[u8],
        steps: &mut Vec<RemuxStep>,
    ) -> Result<bool, PlanMismatch> {
        let start = match (self.next, bitstream::random_access(family, data)) {
            // The file's own beginning is where any decoder would begin.
            (0, _) if !self.index.is_cut_before(0) => RandomAccess::Idr,
            (_, start) => start,
        };
        let show_all = match start {
            RandomAccess::None => {
                let what = format!("sample {} is marked as a keyframe and is none", self.next);
                return Err(PlanMismatch(what));
            }
            RandomAccess::Cra if self.started => return Ok(true),
            RandomAccess::Idr if self.started => return Ok(false),
            RandomAccess::Idr | RandomAccess::Cra => false,
            RandomAccess::RecoveryPoint => true,
        };
        self.started = true;
        self.sequence = 0;
        steps.push(RemuxStep::StartDecoder { show_all });
        let init = write_init_segment(&self.index.init, self.times.timescale());
        steps.push(RemuxStep::Feed(init.into()));
        Ok(false)
    }

    fn flush(&mut self, steps: &mut Vec<RemuxStep>) {
        if self.batch.entries.is_empty() {
            return;
        }
        self.sequence += 1;
        let batch = std::mem::take(&mut self.batch);
        let mut bytes = write_fragment_header(self.index.init.track, self.sequence, &batch.entries);
        bytes.extend(batch.data);
        steps.push(RemuxStep::Feed(bytes.into()));
    }
}

impl Batch {
    /// Whether `entry` must begin another fragment.
    fn is_full_for(&self, entry: &FragmentSample) -> bool {
        let far = self
            .entries
            .last()
            .is_some_and(|last| u32::try_from(entry.dts - last.dts).is_err());
        far || self.entries.len() >= BATCH_SAMPLES || self.data.len() >= BATCH_BYTES
    }
}
