//! Many worlds, one seed after the other, on all processors, until enough jobs are done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::plan::Plan;
use crate::rules::Rules;
use crate::simulate::{Outcome, simulate};

/// When to stop, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) jobs: u64,
    pub(crate) time: Duration,
}

/// What came of all worlds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) worlds: u64,
    pub(crate) jobs: u64,
    pub(crate) deaths: u64,
    pub(crate) virtual_ms: u64,
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// The first world whose promises were broken, and what came of it.
    pub(crate) broken: Option<(Plan, Outcome)>,
}

impl Tally {
    fn add(&mut self, plan: Plan, outcome: Outcome) {
        self.worlds += 1;
        self.jobs += outcome.jobs;
        self.deaths += outcome.deaths;
        self.virtual_ms += outcome.lasted.unsigned_abs();
        for (kind, count) in &outcome.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        if !outcome.violations.is_empty() && self.broken.is_none() {
            self.broken = Some((plan, outcome));
        }
    }
}

/// Runs worlds from `seed` on, until the limits or the first broken promise.
///
/// # Errors
/// When a world cannot be made.
pub(crate) fn run(seed: u64, rules: Rules, limits: Limits, threads: usize) -> Result<Tally> {
    let began = Instant::now();
    let next = AtomicU64::new(seed);
    let over = AtomicBool::new(false);
    let tally = Mutex::new(Tally::default());
    let work = || -> Result<()> {
        while !over.load(Ordering::Relaxed) {
            let plan = Plan::new(next.fetch_add(1, Ordering::Relaxed), rules);
            let outcome = simulate(&plan, false)?;
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.add(plan, outcome);
            let enough = tally.jobs >= limits.jobs || began.elapsed() >= limits.time;
            if enough || tally.broken.is_some() {
                over.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a world does not panic"))
    })?;
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
}
