//! Topics.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde_json::json;

use super::{MAX_PAGE, invalid, not_found, not_served, required};
use crate::context::Context;
use crate::error::ServiceError;
use crate::form::Form;
use crate::xml;

/// Fails unless there is such a topic.
pub(super) fn require_topic(conn: &Connection, arn: &str) -> Result<(), ServiceError> {
    if !arn.starts_with("arn:aws:sns:") {
        return Err(invalid("TopicArn"));
    }
    let mut statement = conn.prepare_cached("SELECT 1 FROM sns_topic WHERE arn = ?")?;
    if statement.exists([arn])? {
        Ok(())
    } else {
        Err(not_found("Topic"))
    }
}

/// Making a topic that is there gives its ARN again.
pub(super) fn create(
    conn: &Connection,
    context: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let name = required(form, "Name")?;
    for (parameter, set) in [
        (
            "DataProtectionPolicy",
            form.get("DataProtectionPolicy").is_some(),
        ),
        ("Tags", !form.list("Tags.member").is_empty()),
        ("FifoTopic", name.strip_suffix(".fifo").is_some()),
    ] {
        if set {
            return Err(not_served(parameter));
        }
    }
    let is_default = |name: &str, value: &str| {
        matches!(name, "FifoTopic" | "ContentBasedDeduplication") && value == "false"
    };
    for (name, value) in form.map("Attributes.entry", "key", "value") {
        if !is_default(&name, &value) {
            return Err(not_served(format!(
                "Attributes Reason: the attribute {name}"
            )));
        }
    }
    let letters = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !letters || name.len() > 256 {
        return Err(invalid("Topic Name"));
    }
    let arn = context.arn("sns", name);
    conn.prepare_cached(
        "INSERT INTO sns_topic (arn, attributes, tags) VALUES (?, '{}', '{}') ON CONFLICT DO NOTHING",
    )?
    .execute([&arn])?;
    Ok(xml::text("TopicArn", &arn))
}

pub(super) fn delete(
    conn: &Connection,
    _: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    conn.prepare_cached("DELETE FROM sns_topic WHERE arn = ?")?
        .execute([required(form, "TopicArn")?])?;
    Ok(String::new())
}

pub(super) fn list(
    conn: &Connection,
    _: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let mut statement =
        conn.prepare_cached("SELECT arn FROM sns_topic WHERE arn > ? ORDER BY arn LIMIT ?")?;
    let after = form.get("NextToken").unwrap_or_default();
    let arns = statement.query_map(params![after, MAX_PAGE + 1], |row| row.get::<_, String>(0))?;
    let arns = arns.collect::<Result<Vec<_>, _>>()?;
    let page = &arns[..arns.len().min(MAX_PAGE)];
    let topics = xml::list("Topics", page.iter().map(|arn| xml::text("TopicArn", arn)));
    Ok(topics + &next_token(page.last(), arns.len()))
}

/// The token of the next page, if there is one.
pub(super) fn next_token(last: Option<&String>, found: usize) -> String {
    let last = last.filter(|_| found > MAX_PAGE);
    last.map(|last| xml::text("NextToken", last))
        .unwrap_or_default()
}

pub(super) fn get_attributes(
    conn: &Connection,
    context: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let arn = required(form, "TopicArn")?;
    require_topic(conn, arn)?;
    let subscriptions: i64 = conn
        .prepare_cached("SELECT count(*) FROM sns_subscription WHERE topic = ?")?
        .query_row([arn], |row| row.get(0))?;
    let account = &context.config.account;
    // The policy of a topic without one: its owner may do everything with it.
    let policy = json!({ "Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [{
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": { "AWS": "*" },
        "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes", "SNS:SetTopicAttributes"],
        "Resource": arn,
        "Condition": { "StringEquals": { "AWS:SourceOwner": account } },
    }] });
    let all: BTreeMap<_, _> = [
        ("TopicArn", arn.to_owned()),
        ("Owner", account.clone()),
        ("DisplayName", String::new()),
        ("SubscriptionsConfirmed", subscriptions.to_string()),
        ("SubscriptionsPending", "0".to_owned()),
        ("Policy", policy.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    Ok(xml::map("Attributes", &all))
}
