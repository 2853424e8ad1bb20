//! One world, from its beginning until nothing more happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::fleet::Fleet;
use crate::host::milliseconds;
use crate::judge::{self, Violation};
use crate::plan::Plan;
use crate::queue::QueueName;
use crate::users::User;
use crate::world::{Ms, Shared};

/// What came of a world.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) violations: Vec<Violation>,
    pub(crate) jobs: u64,
    pub(crate) deaths: u64,
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// The faults of their own that came.
    pub(crate) own: Vec<u64>,
    pub(crate) lasted: Ms,
    pub(crate) journal: Vec<String>,
}

/// How long a world may go on after the last trouble.
const PATIENCE: Ms = 20 * 3_600_000;

/// Lets a world happen.
///
/// # Errors
/// When there is no runtime for it.
pub(crate) fn simulate(plan: &Plan, tells: bool) -> Result<Outcome> {
    // The worker's waits between two tries are drawn from the thread's own generator.
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .context("a runtime is needed")?;
    let plan = Arc::new(plan.clone());
    Ok(runtime.block_on(live(&plan, tells)))
}

async fn live(plan: &Arc<Plan>, tells: bool) -> Outcome {
    let world = Shared::new(plan, tells);
    let fleet = Fleet::start(&world, plan);
    let mut users = JoinSet::new();
    for script in &plan.videos {
        users.spawn(User::new(&world, &fleet, script.clone()).live());
    }
    let rested = loop {
        sleep(Duration::from_mins(2)).await;
        let now = world.lock().now();
        while users.try_join_next().is_some() {}
        if !world.lock().judge.violations.is_empty() {
            break true;
        }
        if now > plan.calm_from && users.is_empty() && rests(&world) {
            break true;
        }
        if now > plan.calm_from + PATIENCE {
            break false;
        }
        if now > plan.calm_from {
            sleep(milliseconds(8 * 60_000)).await;
        }
    };
    let mut world = world.lock();
    if world.judge.violations.is_empty() {
        judge::at_rest(&mut world, rested);
    }
    Outcome {
        violations: std::mem::take(&mut world.judge.violations),
        jobs: world.judge.jobs,
        deaths: world.judge.deaths,
        faults: std::mem::take(&mut world.faults.counts),
        own: std::mem::take(&mut world.faults.own),
        lasted: world.now(),
        journal: world.take_journal(),
    }
}

/// Whether nothing is left to be done.
fn rests(world: &Shared) -> bool {
    let world = world.lock();
    let open = world
        .records
        .values()
        .any(|video| video.unfinished().is_some());
    let busy = [QueueName::Jobs, QueueName::Notices, QueueName::Uploads]
        .iter()
        .any(|name| !world.messages(*name).is_empty());
    !open && !busy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{self, Limits};
    use crate::rules::Rules;
    use crate::shrink::shrink;

    /// A minute of worlds, of another seed each time: it is told when a promise is broken.
    #[test]
    fn no_promise_is_broken_in_a_minute_of_fresh_worlds() {
        let seed = fastrand::u64(..) >> 16;
        println!("seed {seed}");
        let limits = Limits {
            jobs: u64::MAX,
            time: Duration::from_mins(1),
        };
        let tally = campaign::run(seed, Rules::AsTheyAre, limits, 2).expect("worlds");
        println!("{} jobs in {} worlds", tally.jobs, tally.worlds);
        let broken = tally
            .broken
            .map(|(plan, outcome)| (plan.seed, outcome.violations));
        assert_eq!(broken, None, "make simulate ARGS=\"replay --seed <that>\"");
    }

    #[test]
    fn the_same_seed_gives_the_same_history() {
        for seed in 1..6 {
            let plan = Plan::new(seed, Rules::AsTheyAre);
            let first = simulate(&plan, true).expect("a world").journal;
            let second = simulate(&plan, true).expect("the same world").journal;
            assert!(first.len() > 100, "something happens");
            assert_eq!(first, second, "seed {seed}");
        }
    }

    /// Those that a few hundred jobs show; `make simulate ARGS=prove` looks for all.
    #[test]
    fn the_prover_finds_known_faults_that_were_put_back() {
        let limits = Limits {
            jobs: 1_000,
            time: Duration::from_mins(2),
        };
        let quick = [
            Rules::AcknowledgeBeforeTheWrite,
            Rules::PublishBeforeTheWrite,
            Rules::NoLeaseCheck,
            Rules::NoVersion,
            Rules::NoClaim,
            Rules::DeadLettersEndVideos,
            Rules::DeletedOnce,
            Rules::EachCompleteSends,
            Rules::ForeignDeadLetters,
            Rules::StopsUseUpReceives,
            Rules::OneFailedRenewal,
        ];
        for rules in quick {
            let tally = campaign::run(1, rules, limits, 2).expect("worlds");
            let found = tally.broken.map(|(_, outcome)| outcome.violations[0].kind);
            println!("{rules:?}: {found:?} after {} jobs", tally.jobs);
            assert!(found.is_some(), "{rules:?} in {} jobs", tally.jobs);
        }
    }

    #[test]
    fn faults_that_were_planted_are_found_and_shrunk() {
        let limits = Limits {
            jobs: 2_000,
            time: Duration::from_mins(2),
        };
        // Those that the first worlds show; `prove` looks for all.
        for rules in Rules::broken().take(5) {
            let tally = campaign::run(1, rules, limits, 1).expect("worlds");
            let (plan, outcome) = tally.broken.expect("it is found");
            let kind = outcome.violations[0].kind;
            let (small, again) = shrink(&plan, kind).expect("smaller worlds");
            assert!(small.videos.len() <= 2, "{rules:?}: {:?}", small.videos);
            assert!(again.violations.iter().any(|found| found.kind == kind));
        }
    }
}
