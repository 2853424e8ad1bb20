//! A suite that holds a table to its promise: each sample event has the same effects, the same
//! reply and the same acknowledgements through Lambda's runtime API, a worker on a queue in
//! memory, a server, and the plain call that all of them share.
//!
//! Sample events are files, `<folder>/<feature>/<case>.json`, each as Lambda would get it. What
//! they do is told by the application: it sets a [`Stage`] for each run, with a fresh world
//! behind its features, and says afterwards what has happened in it.
//!
//! The suite is the `main` of a test without a harness (`harness = false` in `Cargo.toml`),
//! because a function under Lambda's runtime API is a process of its own: the test starts itself
//! again.
//!
//! ```no_run
//! # use std::process::ExitCode;
//! # use std::path::Path;
//! # use lambda_anywhere::{Feature, Host};
//! # static TABLE: &[Feature<()>] = &[];
//! use lambda_anywhere::conformance::{Stage, Suite};
//!
//! fn main() -> ExitCode {
//!     let suite = Suite::new(TABLE, Path::new("events"), |_case| {
//!         Stage::new(Host::new((), TABLE), || Vec::new())
//!     });
//!     suite.run()
//! }
//! ```

mod case;
mod gateway;
mod runtime_api;
mod ways;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{Context, Feature, Host};

pub use case::Case;
pub use runtime_api::{Reply, RuntimeApi};
pub use ways::{Outcome, answer_of, through_server};

/// A table and its sample events.
pub struct Suite<C: Context> {
    table: &'static [Feature<C>],
    events: PathBuf,
    set: SetStage<C>,
    expect: Expect<C>,
    checks: Vec<(&'static str, Check)>,
}

type SetStage<C> = Arc<dyn Fn(&Case<C>) -> Stage<C> + Send + Sync>;
type Expect<C> = Arc<dyn Fn(&Case<C>, &Outcome) -> Result<(), String> + Send + Sync>;
type Check = Box<dyn Fn() -> Result<(), String> + Send>;

/// A world for one run of one event.
pub struct Stage<C: Context> {
    /// What runs it.
    pub host: Host<C>,
    /// What has happened in it, a line for each effect.
    pub effects: Box<dyn Fn() -> Vec<String> + Send + Sync>,
}

impl<C: Context> Stage<C> {
    /// A world with `host` before it, and `effects` to tell what has happened in it.
    pub fn new(host: Host<C>, effects: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Self {
        Self {
            host,
            effects: Box::new(effects),
        }
    }
}

impl<C: Context> Suite<C> {
    /// The suite of a table whose sample events are below `events`; `set` makes a fresh world for
    /// each run of an event.
    pub fn new(
        table: &'static [Feature<C>],
        events: &Path,
        set: impl Fn(&Case<C>) -> Stage<C> + Send + Sync + 'static,
    ) -> Self {
        Self {
            table,
            events: events.to_owned(),
            set: Arc::new(set),
            expect: Arc::new(|_, _| Ok(())),
            checks: Vec::new(),
        }
    }

    /// The same suite, which also holds each outcome to what `expect` says of it: an error is
    /// what is wrong, in words.
    #[must_use]
    pub fn expecting(
        self,
        expect: impl Fn(&Case<C>, &Outcome) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            expect: Arc::new(expect),
            ..self
        }
    }

    /// The same suite with one check more, which fails with what is wrong in words.
    #[must_use]
    pub fn with_check(
        mut self,
        name: &'static str,
        check: impl Fn() -> Result<(), String> + Send + 'static,
    ) -> Self {
        self.checks.push((name, Box::new(check)));
        self
    }

    /// Runs the suite as the `main` of a test: a trial for each event, one that every feature has
    /// an event, and the checks. Understands the arguments of any Rust test.
    ///
    /// # Panics
    /// When the sample events cannot be read.
    #[must_use]
    pub fn run(self) -> ExitCode {
        if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
            return ways::be_a_function(self.table, &*self.set);
        }
        let cases = Case::read_all(&self.events, self.table);
        let missing = features_without_event(self.table, &cases);
        let mut trials = vec![Trial::test("every_feature_has_an_event", move || {
            if missing.is_empty() {
                Ok(())
            } else {
                Err(format!("no sample event for {}", missing.join(", ")).into())
            }
        })];
        for (name, check) in self.checks {
            trials.push(Trial::test(name, move || check().map_err(Failed::from)));
        }
        for case in cases {
            let (set, expect) = (Arc::clone(&self.set), Arc::clone(&self.expect));
            trials.push(Trial::test(case.name(), move || {
                let outcome = conform(&case, &*set)?;
                expect(&case, &outcome).map_err(Failed::from)
            }));
        }
        libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
    }
}

fn features_without_event<C: Context>(
    table: &'static [Feature<C>],
    cases: &[Case<C>],
) -> Vec<&'static str> {
    let names = table.iter().map(|feature| feature.name);
    names
        .filter(|name| cases.iter().all(|case| case.feature.name != *name))
        .collect()
}

/// Runs an event in every way that it can come; the outcome must always be the same.
fn conform<C: Context>(
    case: &Case<C>,
    set: &(dyn Fn(&Case<C>) -> Stage<C> + Send + Sync),
) -> Result<Outcome, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let invoked = runtime.block_on(ways::invoke_plainly(case, set(case)));
    let mut others = vec![
        (
            "Lambda's runtime API",
            runtime.block_on(ways::through_lambda(case)),
        ),
        (
            "the server",
            runtime.block_on(ways::through_server(case, set(case))),
        ),
    ];
    if let Some(outcome) = runtime.block_on(ways::through_worker(case, set(case))) {
        others.push(("the worker", outcome));
    }
    for (way, outcome) in others {
        if !outcome.is_same(&invoked) {
            return Err(format!(
                "plainly:\n{invoked}\nbut through {way}:\n{outcome}"
            ));
        }
    }
    Ok(invoked)
}
