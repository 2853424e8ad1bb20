//! Whatever AWS may send, to whatever feature: it is taken, or refused with a reason.

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use fotograma_core::story::{Given, Recorder};
use fotograma_core::{App, features};
use lambda_anywhere::{Host, invoke};
use serde_json::Value;

fn host() -> Host<App> {
    support::host(&Arc::new(Recorder::new(Given::default())))
}

fn samples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/aws");
    let files = std::fs::read_dir(folder).expect("the samples");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.expect("a sample");
        let text = std::fs::read_to_string(file.path()).expect("a sample");
        let name = file.file_name().to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).expect("json"))
    };
    files.map(read).collect()
}

/// What a handler is named by in Lambda.
fn handlers() -> impl Iterator<Item = &'static str> {
    let services = features::SERVICES.iter().map(|service| service.name);
    services.chain(features::TABLE.iter().map(|feature| feature.name))
}

#[tokio::test]
async fn what_aws_sends_is_taken_or_refused_with_a_reason() {
    let samples = samples();
    assert!(samples.len() > 20);
    for (name, sample) in &samples {
        let mut taken = 0;
        for handler in handlers() {
            match invoke::invoke(&host(), handler, sample.clone()).await {
                Ok(_) => taken += 1,
                Err(error) => assert!(!format!("{error:#}").is_empty(), "{name} {handler}"),
            }
        }
        let http = ["alb-", "apigw-", "lambda-"]
            .iter()
            .any(|kind| name.starts_with(kind));
        if http {
            assert!(taken > 0, "{name}");
        }
    }
}

#[tokio::test]
async fn a_stage_is_no_part_of_a_route_and_strangers_are_told_so() {
    for (name, sample) in samples() {
        if !name.starts_with("apigw-v2-request") && !name.starts_with("alb-lambda") {
            continue;
        }
        let reply = invoke::invoke(&host(), "status-service", sample).await;
        let reply = reply.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_eq!(reply["statusCode"], 404, "{name}: {reply}");
    }
}

#[tokio::test]
async fn an_event_that_is_no_request_is_refused() {
    let samples = samples();
    let sample = |name: &str| {
        let found = samples.iter().find(|(known, _)| known == name);
        found.expect("a sample").1.clone()
    };
    let request = sample("apigw-v2-request-no-authorizer.json");
    for (pointer, value) in [
        ("/headers/host", Value::from("a b")),
        ("/rawQueryString", Value::from("a b")),
        ("/rawPath", Value::from("/videos/a b")),
    ] {
        let mut strange = request.clone();
        if let Some(field) = strange.pointer_mut(pointer) {
            *field = value;
        }
        // Refused or answered, but never a panic.
        let _ = invoke::invoke(&host(), "status-service", strange).await;
    }
    let mut broken = request;
    broken["isBase64Encoded"] = Value::from(true);
    broken["body"] = Value::from("***");
    let refused = invoke::invoke(&host(), "status-service", broken).await;
    assert!(refused.is_err(), "{refused:?}");
}
