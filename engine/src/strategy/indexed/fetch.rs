//! A plan's bytes, fetched ahead in order and turned into steps.

use std::ops::Range;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::Sender;

use super::remuxer::{RemuxStep, Remuxer};
use crate::container::isobmff::Index;
use crate::io::source::Source;
use crate::plan::Plan;
use crate::strategy::outcome::PlanFailure;
use crate::strategy::outcome::PlanMismatch;

/// Pieces fetched at a time by all who fetch, which hides a request's latency.
pub(super) const AHEAD: usize = 4;

/// The longest piece in bytes; with [`AHEAD`] it bounds what is held in memory.
const PIECE: u32 = 4 << 20;

/// Sends the steps for `plan` to `steps`, until all are sent or nobody takes them; `ahead` pieces are
/// fetched at a time.
pub(super) async fn fetch_and_remux(
    source: &dyn Source,
    index: &Index,
    plan: &Plan,
    ahead: usize,
    steps: Sender<RemuxStep>,
) -> Result<(), PlanFailure> {
    let mut remuxer = Remuxer::new(index, plan);
    let read = |piece: Range<u64>| async {
        let at = piece.start;
        source.read(piece).await.map(|bytes| (at, bytes))
    };
    let mut fetched = stream::iter(pieces(plan)).map(read).buffered(ahead);
    let mut ready = Vec::new();
    while let Some((at, bytes)) = fetched.try_next().await? {
        remuxer.take(at, bytes, &mut ready)?;
        for step in ready.drain(..) {
            if steps.send(step).await.is_err() {
                return Ok(());
            }
        }
    }
    if remuxer.is_done() {
        tracing::debug!(
            fed = remuxer.fed(),
            planned = plan.samples,
            "all samples fed"
        );
        return Ok(());
    }
    Err(PlanMismatch("the ranges end before the samples do".into()).into())
}

/// The plan's ranges in pieces.
fn pieces(plan: &Plan) -> impl Iterator<Item = Range<u64>> {
    plan.ranges.iter().flat_map(|range| {
        let range = range.clone();
        let starts = range.clone().step_by(PIECE as usize);
        starts.map(move |start| start..range.end.min(start + u64::from(PIECE)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StrategyReason;

    #[test]
    fn long_ranges_come_in_pieces() {
        let mut plan = Plan::full_decode(0, StrategyReason::Sparse);
        let piece = u64::from(PIECE);
        plan.ranges = vec![1..2, 10..11 + piece];
        let pieces: Vec<_> = pieces(&plan).collect();
        assert_eq!(pieces, [1..2, 10..10 + piece, 10 + piece..11 + piece]);
    }
}
