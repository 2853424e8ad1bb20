//! From a plan's bytes, as they arrive, to what decoders are fed.
//!
//! A pure state machine: it is given pieces of the file in ascending order, and answers with
//! what is to be done. Frames on which no other depends are left out on the way, and every
//! point at which decoding starts anew is checked in the samples themselves.

use bytes::Bytes;

mod samples;

use crate::fragment::{self, Entry, Times};
use crate::index::{Family, Index, Sample};
use crate::picture::{self, Start};
use crate::plan::{Group, Plan};
use samples::Samples;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Ends the decoder there is, and starts another. `fresh` when it starts at a frame that is
    /// no random access point by itself, and must show what it decodes all the same.
    Start {
        /// Whether frames are shown before the decoder trusts them.
        fresh: bool,
    },
    /// Feeds these bytes to the decoder.
    Feed(Bytes),
}

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Surprise(pub String);

/// A fragment is closed when it has this many samples, or bytes.
const BATCH_SAMPLES: usize = 64;
const BATCH_BYTES: usize = 512 << 10;

/// Feeds decoders by a plan.
#[derive(Debug)]
pub struct Feeder<'a> {
    index: &'a Index,
    plan: &'a Plan,
    times: Times,
    samples: Samples<'a>,
    /// The group being fed, and the sample of it that comes next.
    group: usize,
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
    entries: Vec<Entry>,
    data: Vec<u8>,
}

impl<'a> Feeder<'a> {
    /// A feeder for `plan`, which was made of `index`.
    #[must_use]
    pub fn new(index: &'a Index, plan: &'a Plan) -> Self {
        let mut targets: Vec<_> = plan.targets.iter().map(|target| target.sample).collect();
        targets.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            index,
            plan,
            times: Times::of(index),
            samples: Samples::new(index, plan),
            group: 0,
            next: plan.groups.first().map_or(0, |group| group.samples.start),
            targets,
            batch: Batch::default(),
            sequence: 0,
            started: false,
            fed: 0,
        }
    }

    /// How many samples have been fed.
    #[must_use]
    pub const fn fed(&self) -> u64 {
        self.fed
    }

    /// Whether all groups have been fed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.group == self.plan.groups.len()
    }

    /// Takes the file's bytes from `at` on, which follow those taken before, and appends to
    /// `acts` what they allow.
    ///
    /// # Errors
    /// When the bytes are not what the index says.
    pub fn take(&mut self, at: u64, bytes: Bytes, acts: &mut Vec<Act>) -> Result<(), Surprise> {
        self.samples.put(at, bytes);
        while let Some(group) = self.plan.groups.get(self.group) {
            let Some((sample, data)) = self.samples.next()? else {
                break;
            };
            self.sample(group, &sample, &data, acts)?;
            self.next += 1;
            if self.next == group.samples.end {
                self.flush(acts);
                self.group += 1;
                self.next = self
                    .plan
                    .groups
                    .get(self.group)
                    .map_or(0, |next| next.samples.start);
            }
        }
        Ok(())
    }

    fn sample(
        &mut self,
        group: &Group,
        sample: &Sample,
        data: &[u8],
        acts: &mut Vec<Act>,
    ) -> Result<(), Surprise> {
        let family = self.index.codec.family;
        let cut = self.next == group.samples.start && self.begin(family, data, acts)?;
        let wanted = self.targets.pop_if(|target| *target == self.next).is_some();
        if data.is_empty() || !wanted && picture::disposable(family, data) {
            return Ok(());
        }
        let entry = Entry {
            size: sample.size(),
            dts: self.times.dts(sample),
            pts: self.times.pts(sample, wanted),
            sync: sample.sync(),
        };
        if self.batch.is_full_for(&entry) {
            self.flush(acts);
        }
        self.batch.entries.push(entry);
        let at = self.batch.data.len();
        self.batch.data.extend_from_slice(data);
        if cut {
            picture::cut(family, &mut self.batch.data[at..]);
        }
        self.fed += 1;
        Ok(())
    }

    /// Starts decoding at a group's first sample; returns whether the decoder must be told of the
    /// cut before it.
    fn begin(
        &mut self,
        family: Family,
        data: &[u8],
        acts: &mut Vec<Act>,
    ) -> Result<bool, Surprise> {
        let start = match (self.next, picture::start(family, data)) {
            // The file's own beginning is where any decoder would begin.
            (0, _) => Start::Clean,
            (_, start) => start,
        };
        let fresh = match start {
            Start::Dependent => {
                let what = format!("sample {} is marked as a keyframe and is none", self.next);
                return Err(Surprise(what));
            }
            Start::Cut if self.started => return Ok(true),
            Start::Clean if self.started => return Ok(false),
            Start::Clean | Start::Cut => false,
            Start::Fresh => true,
        };
        self.started = true;
        self.sequence = 0;
        acts.push(Act::Start { fresh });
        let init = fragment::init(&self.index.init, self.times.timescale());
        acts.push(Act::Feed(init.into()));
        Ok(false)
    }

    fn flush(&mut self, acts: &mut Vec<Act>) {
        if self.batch.entries.is_empty() {
            return;
        }
        self.sequence += 1;
        let batch = std::mem::take(&mut self.batch);
        let mut bytes = fragment::fragment(self.index.init.track, self.sequence, &batch.entries);
        bytes.extend(batch.data);
        acts.push(Act::Feed(bytes.into()));
    }
}

impl Batch {
    /// Whether `entry` must begin another fragment.
    fn is_full_for(&self, entry: &Entry) -> bool {
        let far = self
            .entries
            .last()
            .is_some_and(|last| u32::try_from(entry.dts - last.dts).is_err());
        far || self.entries.len() >= BATCH_SAMPLES || self.data.len() >= BATCH_BYTES
    }
}
