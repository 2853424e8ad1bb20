//! Outages of an hour, with fifty jobs in the queue or on their way: jobs wait, no video fails, everybody
//! is mailed once, and all is done within minutes of the outage's end.
//!
//! The product runs as it is put together for a pod or a function, over the embedded AWS; what is moved is
//! the time of both. Each outage runs in a process of its own, for Lambda's environment. A sample, drawn by
//! a seed that is printed (`FOTOGRAMA_OUTAGE_SEED` gives it again), and a few that matter most run always;
//! the others are ignored until they are asked for: `make outages`.

#[path = "../support/http.rs"]
mod http;
mod lambda;
mod outage;
mod uploads;
mod verdict;
mod ways;
mod world;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use outage::{Kind, Outage, Peer};
use ways::Way;

/// Names the case that a process of this test is for.
const CASE: &str = "FOTOGRAMA_OUTAGE";
/// Gives the seed of the sample.
const SEED: &str = "FOTOGRAMA_OUTAGE_SEED";
/// How many cases the sample has.
const SAMPLE: usize = 3;

/// An outage, and how the jobs come to their handlers in it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Case {
    outage: Outage,
    way: Way,
}

impl Case {
    /// Those that matter: only requests meet the identity provider.
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for peer in Peer::ALL {
            for kind in Kind::ALL {
                for way in Way::ALL {
                    if peer != Peer::Cognito || way == Way::Server {
                        let outage = Outage { peer, kind };
                        cases.push(Self { outage, way });
                    }
                }
            }
        }
        cases
    }

    fn name(self) -> String {
        let Self { outage, way } = self;
        format!(
            "{}_{}_{}",
            outage.peer.word(),
            outage.kind.word(),
            way.word()
        )
    }

    fn runs_always(self) -> bool {
        let Outage { peer, kind } = self.outage;
        matches!(
            (peer, kind, self.way),
            (Peer::S3Read, Kind::Error, Way::Worker)
                | (Peer::S3Write, Kind::AccessDenied, Way::Lambda)
                | (Peer::S3Read, Kind::AccessDenied, Way::Server)
        )
    }
}

fn main() -> ExitCode {
    if let Ok(name) = std::env::var(CASE) {
        let case = Case::all().into_iter().find(|case| case.name() == name);
        let case = case.expect("a case of this name");
        ways::run(case.outage, case.way);
        return ExitCode::SUCCESS;
    }
    let trials = Case::all().into_iter().map(|case| {
        let run = move || in_a_process_of_its_own(case);
        Trial::test(case.name(), run).with_ignored_flag(!case.runs_always())
    });
    let sample = Trial::test("a_sample_by_seed", run_sample);
    let trials = trials.chain([sample]).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run_sample() -> Result<(), Failed> {
    let given = std::env::var(SEED).ok().map(|seed| seed.parse());
    let seed = given.transpose()?.unwrap_or_else(|| fastrand::u64(..));
    println!("{SEED}={seed}");
    let mut cases: Vec<_> = Case::all();
    cases.retain(|case| !case.runs_always());
    fastrand::Rng::with_seed(seed).shuffle(&mut cases);
    for case in cases.into_iter().take(SAMPLE) {
        in_a_process_of_its_own(case)
            .map_err(|failed| format!("{SEED}={seed}: {}", failed.message().unwrap_or_default()))?;
    }
    Ok(())
}

fn in_a_process_of_its_own(case: Case) -> Result<(), Failed> {
    let name = case.name();
    let mut program = Command::new(std::env::current_exe()?);
    program.env(CASE, &name);
    if case.way == Way::Lambda {
        lambda::set_environment(&mut program)?;
    }
    let output = program.output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{printed}");
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{name}: {}\n{printed}{complaint}", output.status).into())
}
