//! Planned samples out of pieces of the file, wherever the pieces are cut.

use bytes::{Buf, Bytes, BytesMut};

use crate::container::isobmff::{Index, Sample};
use crate::plan::Plan;
use crate::strategy::outcome::PlanMismatch;

/// The samples of a plan's GOP runs, in order.
pub(super) struct PlannedSamples<'a> {
    wanted: Box<dyn Iterator<Item = Sample> + Send + 'a>,
    current: Option<Sample>,
    /// The beginning of the current sample, when its end is in another piece.
    begun: BytesMut,
    piece: Bytes,
    piece_at: u64,
    /// What each sample begins with, and the file leaves out.
    prefix: &'a [u8],
}

impl std::fmt::Debug for PlannedSamples<'_> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("PlannedSamples")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl<'a> PlannedSamples<'a> {
    pub(super) fn new(index: &'a Index, plan: &'a Plan) -> Self {
        let gop_runs = plan.gop_runs.iter();
        let mut wanted = gop_runs.flat_map(|gop_run| {
            let range = gop_run.samples.start as usize..gop_run.samples.end as usize;
            index.samples.get(range).unwrap_or_default().iter().copied()
        });
        Self {
            current: wanted.next(),
            wanted: Box::new(wanted),
            begun: BytesMut::new(),
            piece: Bytes::new(),
            piece_at: 0,
            prefix: &index.prefix,
        }
    }

    /// Gives the next piece, once the last one has nothing more.
    pub(super) fn add_piece(&mut self, at: u64, piece: Bytes) {
        self.piece = piece;
        self.piece_at = at;
    }

    /// The next sample, if all of it is there.
    pub(super) fn next_sample(&mut self) -> Result<Option<(Sample, Bytes)>, PlanMismatch> {
        let Some(sample) = self.current else {
            return Ok(None);
        };
        let missing = sample.size() as usize - self.begun.len();
        let from = sample.offset + self.begun.len() as u64;
        if missing > 0 {
            let Some(skip) = from.checked_sub(self.piece_at) else {
                return Err(PlanMismatch("the samples are not in order".into()));
            };
            let skip = usize::try_from(skip)
                .unwrap_or(usize::MAX)
                .min(self.piece.len());
            self.piece.advance(skip);
            self.piece_at += skip as u64;
        }
        let part = self.piece.split_to(missing.min(self.piece.len()));
        self.piece_at += part.len() as u64;
        if part.len() < missing {
            self.begun.extend_from_slice(&part);
            return Ok(None);
        }
        let data = if self.begun.is_empty() {
            part
        } else {
            self.begun.extend_from_slice(&part);
            self.begun.split().freeze()
        };
        let data = if self.prefix.is_empty() {
            data
        } else {
            Bytes::from([self.prefix, &data].concat())
        };
        self.current = self.wanted.next();
        Ok(Some((sample, data)))
    }
}
