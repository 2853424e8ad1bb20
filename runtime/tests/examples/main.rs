//! The examples, handlers as anybody writes them, held to the conformance suite: each event gives
//! the same reply and the same acknowledgements in the three ways.

#![expect(dead_code, reason = "the examples' own main functions")]

use std::path::Path;
use std::process::ExitCode;

use lambda_anywhere::conformance::{Case, Outcome, Stage, Suite};
use lambda_anywhere::{Feature, Host};

#[path = "../../examples/http.rs"]
mod http;
#[path = "../../examples/scheduled.rs"]
mod scheduled;
#[path = "../../examples/sns.rs"]
mod sns;
#[path = "../../examples/sqs.rs"]
mod sqs;

static TABLE: [Feature<()>; 4] = [sqs::ORDERS, http::HI, sns::NEWS, scheduled::CLEANUP];

fn main() -> ExitCode {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples/events");
    let stage = |_: &Case<()>| Stage::new(Host::new((), &TABLE), Vec::new);
    Suite::new(&TABLE, &events, stage)
        .expecting(compare_with_expected)
        .run()
}

/// What each event must give: what AWS documents for such a handler.
fn compare_with_expected(case: &Case<()>, outcome: &Outcome) -> Result<(), String> {
    let expected = match case.name().as_str() {
        "orders::one_of_three_fails" => r#"{"batchItemFailures":[{"itemIdentifier":"m2"}]}"#,
        "hi::http_api" => "200 Hello ana, this is an AWS Lambda HTTP request",
        "hi::load_balancer" => "200 Hello bob, this is an AWS Lambda HTTP request",
        "hi::head" => "200",
        "hi::no_such_path" => {
            r#"404 {"detail":"there is no such path here","status":404,"title":"Not Found","type":"about:blank"}"#
        }
        "news::nothing_to_tell" => "error",
        "news::told" | "cleanup::nightly" => "null",
        other => return Err(format!("nothing is known of {other}")),
    };
    if outcome.reply == expected {
        Ok(())
    } else {
        Err(format!("{}\nbut expected is {expected}", outcome.reply))
    }
}
