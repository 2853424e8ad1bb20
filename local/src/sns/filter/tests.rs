//! The examples of the developer guide.

use super::*;
use crate::sqs::MessageAttribute;

fn attribute(data_type: &str, value: &str) -> MessageAttribute {
    MessageAttribute {
        data_type: data_type.to_owned(),
        string_value: Some(value.to_owned()),
        binary_value: None,
        ..MessageAttribute::default()
    }
}

#[track_caller]
fn attributes(policy: &str, message: &[(&str, &str, &str)], wanted: bool) {
    let filter = Filter::parse(policy, Scope::Attributes).expect(policy);
    let message = message
        .iter()
        .map(|(name, t, v)| ((*name).to_owned(), attribute(t, v)))
        .collect();
    assert_eq!(
        filter.takes("", &message),
        wanted,
        "{policy} on {message:?}"
    );
}

#[track_caller]
fn body(policy: &str, message: &str, wanted: bool) {
    let filter = Filter::parse(policy, Scope::Body).expect(policy);
    assert_eq!(
        filter.takes(message, &MessageAttributes::new()),
        wanted,
        "{policy} on {message}"
    );
}

#[test]
fn exact_text() {
    let policy = r#"{"customer_interests": ["rugby", "tennis"]}"#;
    attributes(policy, &[("customer_interests", "String", "rugby")], true);
    attributes(policy, &[("customer_interests", "String", "tennis")], true);
    attributes(
        policy,
        &[(
            "customer_interests",
            "String.Array",
            r#"["rugby","tennis"]"#,
        )],
        true,
    );
    attributes(
        policy,
        &[("customer_interests", "String", "baseball")],
        false,
    );
    attributes(
        policy,
        &[("customer_interests", "String.Array", r#"["baseball"]"#)],
        false,
    );
    attributes(policy, &[("customer_interests", "String", "Rugby")], false);
    attributes(policy, &[], false);
    body(policy, r#"{"customer_interests": "rugby"}"#, true);
    body(
        policy,
        r#"{"customer_interests": ["baseball", "tennis"]}"#,
        true,
    );
    body(policy, r#"{"customer_interests": "baseball"}"#, false);
    body(policy, "not JSON", false);
}

#[test]
fn anything_but_text() {
    let policy = r#"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#;
    attributes(
        policy,
        &[("customer_interests", "String", "baseball")],
        true,
    );
    attributes(policy, &[("customer_interests", "String", "rugby")], false);
    attributes(
        policy,
        &[("customer_interests", "String.Array", r#"["baseball"]"#)],
        true,
    );
    attributes(
        policy,
        &[(
            "customer_interests",
            "String.Array",
            r#"["rugby","baseball"]"#,
        )],
        false,
    );
    attributes(policy, &[("other", "String", "x")], false);
    let prefix = r#"{"event": [{"anything-but": {"prefix": "order-"}}]}"#;
    attributes(prefix, &[("event", "String", "data-entry")], true);
    attributes(prefix, &[("event", "String", "order-cancelled")], false);
    let suffix = r#"{"event": [{"anything-but": {"suffix": ["-ok", "-done"]}}]}"#;
    attributes(suffix, &[("event", "String", "job-failed")], true);
    attributes(suffix, &[("event", "String", "job-done")], false);
}

#[test]
fn prefix_suffix_case_and_wildcard() {
    attributes(
        r#"{"s": [{"prefix": "bas"}]}"#,
        &[("s", "String", "baseball")],
        true,
    );
    attributes(
        r#"{"s": [{"prefix": "bas"}]}"#,
        &[("s", "String", "rugby")],
        false,
    );
    attributes(
        r#"{"s": [{"suffix": "ball"}]}"#,
        &[("s", "String", "baseball")],
        true,
    );
    attributes(
        r#"{"s": [{"suffix": "ball"}]}"#,
        &[("s", "String", "rugby")],
        false,
    );
    attributes(
        r#"{"s": [{"equals-ignore-case": "tennis"}]}"#,
        &[("s", "String", "TENnis")],
        true,
    );
    let wildcard = r#"{"s": [{"wildcard": "a*b*c"}]}"#;
    attributes(wildcard, &[("s", "String", "a1b2c")], true);
    attributes(wildcard, &[("s", "String", "abc")], true);
    attributes(wildcard, &[("s", "String", "acb")], false);
    attributes(
        r#"{"s": [{"wildcard": "ab*bc"}]}"#,
        &[("s", "String", "abc")],
        false,
    );
}

#[test]
fn numbers() {
    let exact = r#"{"price_usd": [{"numeric": ["=", 301.5]}]}"#;
    attributes(exact, &[("price_usd", "Number", "301.5")], true);
    attributes(exact, &[("price_usd", "Number", "3.015e2")], true);
    attributes(exact, &[("price_usd", "String", "301.5")], false);
    body(exact, r#"{"price_usd": 3.015e2}"#, true);
    attributes(
        r#"{"price_usd": [{"numeric": ["<", 0]}]}"#,
        &[("price_usd", "Number", "-1")],
        true,
    );
    let range = r#"{"price_usd": [{"numeric": [">", 0, "<=", 150]}]}"#;
    attributes(range, &[("price_usd", "Number", "150")], true);
    attributes(range, &[("price_usd", "Number", "0")], false);
    attributes(range, &[("price_usd", "Number", "150.1")], false);
    let but = r#"{"price": [{"anything-but": [100, 500]}]}"#;
    attributes(but, &[("price", "Number", "100.1")], true);
    attributes(but, &[("price", "Number", "100")], false);
    body(but, r#"{"price": [100, 50]}"#, true);
    body(but, r#"{"price": [100, 500]}"#, false);
    body(r#"{"n": [7]}"#, r#"{"n": 7.0}"#, true);
    body(r#"{"n": ["7"]}"#, r#"{"n": 7}"#, false);
}

#[test]
fn presence() {
    let there = r#"{"store": [{"exists": true}]}"#;
    attributes(there, &[("store", "String", "fans")], true);
    attributes(there, &[("other", "String", "x")], false);
    body(there, r#"{"store": null, "other": 1}"#, false);
    let absent = r#"{"store": [{"exists": false}]}"#;
    attributes(absent, &[("other", "String", "x")], true);
    attributes(absent, &[("store", "String", "fans")], false);
    attributes(absent, &[], false);
}

#[test]
fn addresses() {
    let policy = r#"{"source_ip": [{"cidr": "10.0.0.0/24"}]}"#;
    attributes(policy, &[("source_ip", "String", "10.0.0.255")], true);
    attributes(policy, &[("source_ip", "String", "10.1.1.0")], false);
    attributes(policy, &[("source_ip", "String", "::1")], false);
    attributes(
        r#"{"ip": [{"cidr": "0.0.0.0/0"}]}"#,
        &[("ip", "String", "9.9.9.9")],
        true,
    );
}

#[test]
fn every_key_and_any_alternative() {
    let both = r#"{"store": ["example_corp"], "event": [{"anything-but": "order_cancelled"}]}"#;
    attributes(
        both,
        &[
            ("store", "String", "example_corp"),
            ("event", "String", "x"),
        ],
        true,
    );
    attributes(both, &[("store", "String", "example_corp")], false);
    let either =
        r#"{"source": ["cw"], "$or": [{"metric": ["cpu"]}, {"namespace": ["ec2", "es"]}]}"#;
    attributes(
        either,
        &[("source", "String", "cw"), ("metric", "String", "cpu")],
        true,
    );
    attributes(
        either,
        &[("source", "String", "cw"), ("namespace", "String", "es")],
        true,
    );
    attributes(
        either,
        &[("source", "String", "cw"), ("namespace", "String", "s3")],
        false,
    );
    attributes(either, &[("metric", "String", "cpu")], false);
}

#[test]
fn nested_bodies() {
    let policy = r#"{"store": {"location": {"country": ["PT", "BR"]}, "open": [true]}}"#;
    body(
        policy,
        r#"{"store": {"location": {"country": "PT"}, "open": true}}"#,
        true,
    );
    body(
        policy,
        r#"{"store": {"location": {"country": "US"}, "open": true}}"#,
        false,
    );
    body(
        policy,
        r#"{"store": {"location": [{"country": "US"}, {"country": "BR"}], "open": true}}"#,
        true,
    );
    body(policy, r#"{"store": "PT"}"#, false);
    body(r#"{"a": {"b": [{"exists": false}]}}"#, r#"{"c": 1}"#, true);
    body(r#"{"detail": [null]}"#, r#"{"detail": null}"#, true);
}

#[test]
fn what_is_no_policy_is_refused() {
    for policy in [
        "[]",
        "{",
        r#"{"a": "x"}"#,
        r#"{"a": []}"#,
        r#"{"a": {"b": ["x"]}}"#,
        r#"{"a": [{"unknown": "x"}]}"#,
        r#"{"a": [{"prefix": 1}]}"#,
        r#"{"a": [{"numeric": ["~", 1]}]}"#,
        r#"{"a": [{"exists": "yes"}]}"#,
        r#"{"a": [{"cidr": "10.0.0.0/33"}]}"#,
        r#"{"a": [{"anything-but": [true]}]}"#,
        r#"{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}"#,
    ] {
        assert!(
            Filter::parse(policy, Scope::Attributes).is_err(),
            "{policy}"
        );
    }
    let many: Vec<_> = (0..151).map(|n| n.to_string()).collect();
    let policy = serde_json::json!({ "a": many }).to_string();
    assert!(Filter::parse(&policy, Scope::Attributes).is_err());
}
