//! A world in memory in which the real handlers and the real worker run under faults, all of it
//! from one seed; and a judge who says which promise was broken, and by which shortest history.

mod campaign;
mod canonical;
mod chance;
mod exhaustive;
mod extractor;
mod faults;
mod fleet;
mod host;
mod judge;
mod plan;
mod ports;
mod queue;
mod rules;
mod shrink;
mod simulate;
mod step;
mod users;
mod worker_queue;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};

use campaign::{Limits, Tally};
use exhaustive::{Deed, Explored};
use plan::Plan;
use rules::Rules;
use simulate::{Outcome, simulate};

#[derive(Parser)]
#[command(about = "Runs jobs in a simulated world, and says whether every promise was kept")]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where chance begins; a fresh one when nothing is said
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// Stop after so many jobs
    #[arg(long, global = true, default_value_t = 1_000_000)]
    jobs: u64,
    /// Stop after so many seconds
    #[arg(long, global = true, default_value_t = 600)]
    seconds: u64,
    /// How many worlds at once
    #[arg(long, global = true)]
    threads: Option<usize>,
}

#[derive(Subcommand)]
enum Command {
    /// Puts known faults back, one by one, and says after how many jobs each is found
    Prove,
    /// Looks at every history of one video
    Exhaustive {
        /// How many faults there may be in a history
        #[arg(long, default_value_t = 2)]
        faults: u8,
        /// Only with this deed of the user
        #[arg(long, value_enum)]
        deed: Option<Deed>,
    },
    /// Runs one world again, and tells what happens in it
    Replay {
        /// What an earlier run wrote; the world of the seed when nothing is said
        plan: Option<PathBuf>,
    },
    /// As many worlds as the limits allow; counts what is broken, and goes on
    Survey {
        /// With this fault put back
        #[arg(long, value_enum, default_value_t)]
        rules: Rules,
    },
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..) >> 16);
    let limits = Limits {
        jobs: args.jobs,
        time: Duration::from_secs(args.seconds),
    };
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let kept = match args.command {
        None => run(seed, limits, threads)?,
        Some(Command::Prove) => prove(seed, limits, threads)?,
        Some(Command::Exhaustive { faults, deed }) => {
            exhaustive(faults, deed, threads, limits.time)
        }
        Some(Command::Replay { plan }) => replay(seed, plan.as_deref())?,
        Some(Command::Survey { rules }) => survey(seed, rules, limits)?,
    };
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn run(seed: u64, limits: Limits, threads: usize) -> Result<bool> {
    println!("seed {seed}");
    let began = Instant::now();
    let tally = campaign::run(seed, Rules::AsTheyAre, limits, threads)?;
    tell(&tally, began.elapsed());
    let Some((plan, outcome)) = tally.broken else {
        println!("0 violations");
        return Ok(true);
    };
    println!(
        "a promise was broken in the world of seed {}; shrinking",
        plan.seed
    );
    tell_shortest(&plan, &outcome)?;
    Ok(false)
}

fn tell(tally: &Tally, took: Duration) {
    let Tally {
        worlds,
        jobs,
        deaths,
        ..
    } = tally;
    let hours = tally.virtual_ms / 3_600_000;
    let seconds = took.as_secs_f64();
    println!("{jobs} jobs in {worlds} worlds and {hours} hours of their time, in {seconds:.1} s");
    for (kind, count) in &tally.faults {
        println!("{count:>10}  {kind}");
    }
    println!("{deaths:>10}  processes died");
}

fn tell_shortest(plan: &Plan, outcome: &Outcome) -> Result<()> {
    let kind = outcome.violations[0].kind;
    let (plan, outcome) = shrink::shrink(plan, kind)?;
    for line in &outcome.journal {
        println!("{line}");
    }
    for violation in &outcome.violations {
        println!(
            "violation: {} {}: {}",
            violation.kind, violation.video, violation.detail
        );
    }
    let path = std::env::temp_dir().join(format!("simulate-{}.json", plan.seed));
    std::fs::write(&path, serde_json::to_string_pretty(&plan)?)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    println!(
        "run it again: make simulate ARGS=\"replay {}\"",
        path.display()
    );
    println!(
        "the whole world: make simulate ARGS=\"replay --seed {}\"",
        plan.seed
    );
    Ok(())
}

fn prove(seed: u64, limits: Limits, threads: usize) -> Result<bool> {
    println!("seed {seed}");
    let mut all = true;
    for rules in Rules::broken() {
        let tally = campaign::run(seed, rules, limits, threads)?;
        let name = clap::ValueEnum::to_possible_value(&rules);
        let name = name.map_or_else(String::new, |value| value.get_name().to_owned());
        if let Some((_, outcome)) = &tally.broken {
            let found = outcome.violations[0].kind;
            println!("{name:32} found after {} jobs: {found}", tally.jobs);
        } else {
            println!("{name:32} NOT FOUND in {} jobs", tally.jobs);
            all = false;
        }
    }
    Ok(all)
}

/// Looks at every history, for each deed in the time that there is.
fn exhaustive(faults: u8, deed: Option<Deed>, threads: usize, time: Duration) -> bool {
    let deeds = deed.map_or_else(|| Deed::value_variants().to_vec(), |deed| vec![deed]);
    let mut all = true;
    for deed in deeds {
        let began = Instant::now();
        let explored = exhaustive::explore(deed, faults, Rules::AsTheyAre, threads, time);
        let Explored { states, steps, .. } = explored;
        let seconds = began.elapsed().as_secs_f64();
        let cut = if explored.whole { "" } else { ", NOT ALL" };
        println!("{deed:?}, {faults} faults: {states} states, {steps} steps, {seconds:.1} s{cut}");
        all &= explored.whole;
        if let Some((violation, journal)) = explored.broken {
            for line in &journal {
                println!("{line}");
            }
            println!("violation: {} {}", violation.kind, violation.detail);
            return false;
        }
    }
    println!("0 violations");
    all
}

fn replay(seed: u64, plan: Option<&Path>) -> Result<bool> {
    let plan = match plan {
        None => Plan::new(seed, Rules::AsTheyAre),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            serde_json::from_str(&text)?
        }
    };
    let outcome = simulate(&plan, true)?;
    for line in &outcome.journal {
        println!("{line}");
    }
    for violation in &outcome.violations {
        println!(
            "violation: {} {}: {}",
            violation.kind, violation.video, violation.detail
        );
    }
    Ok(outcome.violations.is_empty())
}

/// How often each promise is broken, world by world.
fn survey(seed: u64, rules: Rules, limits: Limits) -> Result<bool> {
    println!("seed {seed}");
    let began = Instant::now();
    let mut found = std::collections::BTreeMap::new();
    let (mut jobs, mut worlds) = (0, 0);
    while jobs < limits.jobs && began.elapsed() < limits.time {
        let plan = Plan::new(seed + worlds, rules);
        let outcome = simulate(&plan, false)?;
        jobs += outcome.jobs;
        worlds += 1;
        if let Some(first) = outcome.violations.first() {
            let entry = found
                .entry(first.kind)
                .or_insert((0, plan.seed, first.clone()));
            entry.0 += 1;
        }
    }
    println!("{jobs} jobs in {worlds} worlds");
    for (kind, (count, seed, first)) in &found {
        println!(
            "{count:>8}  {kind}; seed {seed}: {} {}",
            first.video, first.detail
        );
    }
    Ok(found.is_empty())
}
