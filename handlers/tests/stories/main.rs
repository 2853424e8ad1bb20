//! Stories: each sample event in `events/` gives the same effects, the same reply and the same
//! acknowledgements through Lambda, the worker, the server and `replay`, and they are those of
//! the `.story` beside it. `UPDATE=1` rewrites the stories; the diff is to be reviewed.

mod case;
mod permissions;
mod queue;
mod runtime_api;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod ways;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;

fn main() -> ExitCode {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        return ways::lambda_child();
    }
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let cases = || Case::all(&events).into_iter();
    let mut trials: Vec<_> = cases()
        .map(|case| Trial::test(case.name(), move || tell(&case)))
        .collect();
    let all: Vec<_> = cases().collect();
    trials.push(Trial::test(
        "permissions::a_row_holds_what_its_stories_use_and_no_more",
        move || permissions::rows_are_what_stories_use(&all),
    ));
    trials.push(Trial::test("table::invariants", table::invariants));
    trials.push(Trial::test(
        "table::every_feature_has_an_event",
        move || table::every_feature_has_an_event(&events),
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs one event in every way that it can come.
fn tell(case: &Case) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = runtime.block_on(ways::replay(case));
    case.expect("replay", &told)?;
    case.expect("lambda", &runtime.block_on(ways::lambda(case)))?;
    case.expect("server", &runtime.block_on(ways::server(case)))?;
    if let Some(told) = runtime.block_on(ways::worker(case)) {
        case.expect("worker", &told)?;
    }
    Ok(())
}
