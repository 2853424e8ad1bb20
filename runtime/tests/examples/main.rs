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
    let stage = |_: &Case<()>| Stage::new(Host::new((), &TABLE).with_base_path("/v1"), Vec::new);
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
        "hi::base_path" => "200 Hello eve, this is an AWS Lambda HTTP request",
        "hi::preflight" => return compare_with_preflight(outcome),
        "hi::head" => "200",
        "hi::no_such_path" => {
            r#"404 {"detail":"there is no such path here","status":404,"title":"Not Found","type":"/problems#no-such-path"}"#
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

/// What a browser must be told before it sends a page's request:
/// <https://fetch.spec.whatwg.org/#http-cors-protocol>.
fn compare_with_preflight(outcome: &Outcome) -> Result<(), String> {
    let allowed = |what: &str| outcome.headers.get(&format!("access-control-allow-{what}"));
    let holds = |what: &str, word: &str| {
        allowed(what).is_some_and(|list| list.split(',').any(|item| item.trim() == word))
    };
    let fits = outcome.reply == "200"
        && allowed("origin").is_some_and(|origin| origin == "*")
        && holds("methods", "GET")
        && holds("headers", "authorization");
    fits.then_some(()).ok_or_else(|| outcome.to_string())
}
