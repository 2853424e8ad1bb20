//! The shortest history: whatever can be left out of a plan, so that the same promise is still
//! broken, is left out.

use anyhow::Result;

use crate::plan::Plan;
use crate::simulate::{Outcome, simulate};

/// How many worlds are tried at most.
const TRIES: u32 = 600;

/// A plan with as little in it as can be found, and what came of it, journal and all.
///
/// # Errors
/// When no world can be made.
pub(crate) fn shrink(plan: &Plan, kind: &'static str) -> Result<(Plan, Outcome)> {
    let mut tries = 0;
    let mut breaks = |plan: &Plan| -> Result<Option<Outcome>> {
        tries += 1;
        if tries > TRIES {
            return Ok(None);
        }
        let outcome = simulate(plan, false)?;
        let found = outcome.violations.iter().any(|found| found.kind == kind);
        Ok(found.then_some(outcome))
    };
    let mut best = plan.clone();
    loop {
        let before = size(&best);
        drop_chunks(
            &mut best,
            &mut breaks,
            |plan| plan.videos.len(),
            |plan, range| {
                plan.videos.drain(range);
            },
        )?;
        drop_chunks(
            &mut best,
            &mut breaks,
            |plan| plan.troubles.len(),
            |plan, range| {
                plan.troubles.drain(range);
            },
        )?;
        drop_acts(&mut best, &mut breaks)?;
        mute(&mut best, &mut breaks)?;
        if size(&best) >= before {
            break;
        }
    }
    let outcome = simulate(&best, true)?;
    Ok((best, outcome))
}

fn size(plan: &Plan) -> usize {
    let acts: usize = plan.videos.iter().map(|video| 1 + video.acts.len()).sum();
    let faults = if plan.faults_per_mille > 0 { 1_000 } else { 0 };
    acts + plan.troubles.len() + faults - plan.muted.len().min(faults)
}

type Breaks<'a> = dyn FnMut(&Plan) -> Result<Option<Outcome>> + 'a;

/// Leaves out halves, quarters and so on, as long as the promise stays broken.
fn drop_chunks(
    best: &mut Plan,
    breaks: &mut Breaks<'_>,
    length: fn(&Plan) -> usize,
    drain: fn(&mut Plan, std::ops::Range<usize>),
) -> Result<()> {
    let mut chunk = length(best).div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < length(best) {
            let mut smaller = best.clone();
            drain(&mut smaller, from..(from + chunk).min(length(best)));
            if breaks(&smaller)?.is_some() {
                *best = smaller;
            } else {
                from += chunk;
            }
        }
        chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2) };
    }
    Ok(())
}

fn drop_acts(best: &mut Plan, breaks: &mut Breaks<'_>) -> Result<()> {
    for video in 0..best.videos.len() {
        let mut act = 0;
        while act < best.videos[video].acts.len() {
            let mut smaller = best.clone();
            smaller.videos[video].acts.remove(act);
            if breaks(&smaller)?.is_some() {
                *best = smaller;
            } else {
                act += 1;
            }
        }
    }
    Ok(())
}

/// Takes away the faults of their own: all, or one after the other.
fn mute(best: &mut Plan, breaks: &mut Breaks<'_>) -> Result<()> {
    if best.faults_per_mille == 0 {
        return Ok(());
    }
    let calm = Plan {
        faults_per_mille: 0,
        ..best.clone()
    };
    if breaks(&calm)?.is_some() {
        *best = calm;
        return Ok(());
    }
    let Some(outcome) = breaks(best)? else {
        return Ok(());
    };
    let mut left = outcome.own;
    let mut chunk = left.len().div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < left.len() {
            let mut smaller = best.clone();
            let until = (from + chunk).min(left.len());
            smaller.muted.extend(&left[from..until]);
            if breaks(&smaller)?.is_some() {
                left.drain(from..until);
                *best = smaller;
            } else {
                from += chunk;
            }
        }
        chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2) };
    }
    Ok(())
}
