//! The calls about subscriptions.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::error;
use super::subscription::{AUTHENTICATED, COLUMNS, Subscription};
use super::topic::{PAGE, Topic, next_token};
use crate::error::ServiceError;
use crate::form::Form;
use crate::mail::{self, Mail};
use crate::state::State;
use crate::xml;

type Map = BTreeMap<String, String>;

/// Subscribing again gives the same subscription; an address of a person is asked by mail first.
pub(super) fn subscribe(
    conn: &Connection,
    state: &State,
    form: &Form,
    now_ms: i64,
) -> Result<String, ServiceError> {
    let topic = Topic::get(conn, form.required("TopicArn")?)?;
    let (protocol, endpoint) = (form.required("Protocol")?, form.required("Endpoint")?);
    match protocol {
        "sqs" if endpoint.starts_with("arn:aws:sqs:") => {}
        "sqs" => return Err(error::invalid("SQS endpoint ARN")),
        "email" | "email-json" if endpoint.contains('@') => {}
        "email" | "email-json" => return Err(error::invalid("Email address")),
        _ => return Err(error::not_served(format!("Protocol: {protocol}"))),
    }
    let mut wanted = Subscription {
        arn: format!("{}:{}", topic.arn, Uuid::new_v4()),
        topic: topic.arn.clone(),
        protocol: protocol.to_owned(),
        endpoint: endpoint.to_owned(),
        attributes: Map::new(),
        token: (protocol != "sqs").then(|| new_token(now_ms)),
    };
    for (name, value) in form.map("Attributes.entry", "key", "value") {
        wanted.set(&name, &value)?;
    }
    wanted.filter()?;
    let sql = format!(
        "SELECT {COLUMNS} FROM sns_subscription WHERE topic = ? AND protocol = ? AND endpoint = ?"
    );
    let existing = conn
        .prepare_cached(&sql)?
        .query_row([&wanted.topic, protocol, endpoint], Subscription::from_row)
        .optional()?;
    let subscription = match existing {
        Some(existing) if !existing.has_attributes(&wanted.attributes) => {
            return Err(error::invalid(
                "Attributes Reason: Subscription already exists with different attributes",
            ));
        }
        Some(mut existing) => {
            let token = existing.token.as_deref();
            if token.is_some_and(|token| !is_current(token, now_ms)) {
                existing.token = wanted.token;
                existing.save(conn)?;
            }
            existing
        }
        None => {
            wanted.save(conn)?;
            wanted
        }
    };
    if let Some(token) = &subscription.token {
        ask(conn, state, &subscription, token, now_ms)?;
    }
    let tell = subscription.token.is_none() || form.get("ReturnSubscriptionArn") == Some("true");
    let arn = if tell {
        &subscription.arn
    } else {
        "pending confirmation"
    };
    Ok(xml::text("SubscriptionArn", arn))
}

fn ask(
    conn: &Connection,
    state: &State,
    subscription: &Subscription,
    token: &str,
    now_ms: i64,
) -> Result<(), ServiceError> {
    let topic = &subscription.topic;
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("TopicArn", topic)
        .append_pair("Token", token)
        .finish();
    let text = format!(
        "You have chosen to subscribe to the topic:\n{topic}\n\nTo confirm this subscription, visit:\n\
         {}/_local/mail/confirm?{query}\n",
        state.url
    );
    let mail = Mail::new(
        &subscription.endpoint,
        "AWS Notification - Subscription Confirmation",
        text,
    );
    mail::put(conn, &mail, now_ms)
}

/// How long a token confirms.
const TOKEN_MS: i64 = 2 * 86_400_000;

/// A secret that begins with the time it was made at.
fn new_token(now_ms: i64) -> String {
    format!("{now_ms:012x}{}", Uuid::new_v4().simple())
}

fn is_current(token: &str, now_ms: i64) -> bool {
    let made = token.get(..12).map(|time| i64::from_str_radix(time, 16));
    matches!(made, Some(Ok(made_ms)) if now_ms < made_ms + TOKEN_MS)
}

pub(super) fn confirm(
    conn: &Connection,
    _: &State,
    form: &Form,
    now_ms: i64,
) -> Result<String, ServiceError> {
    let subscription = pending(conn, form, now_ms)?;
    end_pending(conn, subscription)
}

/// By whoever holds the token: the subscription remembers that no signature came with it.
pub(super) fn confirm_unsigned(
    conn: &Connection,
    _: &State,
    form: &Form,
    now_ms: i64,
) -> Result<String, ServiceError> {
    let mut subscription = pending(conn, form, now_ms)?;
    let unsigned = (AUTHENTICATED.to_owned(), "false".to_owned());
    subscription.attributes.extend([unsigned]);
    end_pending(conn, subscription)
}

/// The subscription that a request's token confirms.
fn pending(conn: &Connection, form: &Form, now_ms: i64) -> Result<Subscription, ServiceError> {
    if form.get("AuthenticateOnUnsubscribe") == Some("true") {
        return Err(error::not_served("AuthenticateOnUnsubscribe"));
    }
    let topic = Topic::get(conn, form.required("TopicArn")?)?;
    let token = form.required("Token")?;
    let sql = format!("SELECT {COLUMNS} FROM sns_subscription WHERE topic = ? AND token = ?");
    let found = conn
        .prepare_cached(&sql)?
        .query_row([topic.arn.as_str(), token], Subscription::from_row)
        .optional()?;
    let found = found.filter(|_| is_current(token, now_ms));
    found.ok_or_else(|| error::invalid("Token"))
}

fn end_pending(conn: &Connection, mut subscription: Subscription) -> Result<String, ServiceError> {
    subscription.token = None;
    subscription.save(conn)?;
    Ok(xml::text("SubscriptionArn", &subscription.arn))
}

/// Ending what has ended succeeds, as in AWS.
pub(super) fn unsubscribe(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let arn = form.required("SubscriptionArn")?;
    if !arn.starts_with("arn:aws:sns:") {
        return Err(error::invalid(
            "SubscriptionArn Reason: An ARN must have at least 6 elements",
        ));
    }
    let topic: Option<String> = conn
        .prepare_cached("DELETE FROM sns_subscription WHERE arn = ? RETURNING topic")?
        .query_row([arn], |row| row.get(0))
        .optional()?;
    if let Some(topic) = topic {
        conn.prepare_cached(
            "INSERT INTO sns_deleted (topic, subscriptions) VALUES (?, 1)
             ON CONFLICT DO UPDATE SET subscriptions = subscriptions + 1",
        )?
        .execute([topic])?;
    }
    Ok(String::new())
}

pub(super) fn list(
    conn: &Connection,
    state: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    page(conn, state, form, None)
}

pub(super) fn list_by_topic(
    conn: &Connection,
    state: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let topic = Topic::get(conn, form.required("TopicArn")?)?;
    page(conn, state, form, Some(&topic.arn))
}

fn page(
    conn: &Connection,
    state: &State,
    form: &Form,
    topic: Option<&str>,
) -> Result<String, ServiceError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sns_subscription
         WHERE arn > ?1 AND (?2 IS NULL OR topic = ?2) ORDER BY arn LIMIT ?3"
    );
    let after = form.get("NextToken").unwrap_or_default();
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_map(params![after, topic, PAGE + 1], Subscription::from_row)?;
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let page = &found[..found.len().min(PAGE)];
    let members = page
        .iter()
        .map(|subscription| subscription.describe(&state.config.account));
    let last = page.last().map(|subscription| &subscription.arn);
    Ok(xml::list("Subscriptions", members) + &next_token(last, found.len()))
}

pub(super) fn get_attributes(
    conn: &Connection,
    state: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let subscription = Subscription::get(conn, form.required("SubscriptionArn")?)?;
    let pending = subscription.token.is_some();
    let mut all: Map = [
        ("SubscriptionArn", subscription.arn.as_str()),
        ("TopicArn", &subscription.topic),
        ("Protocol", &subscription.protocol),
        ("Endpoint", &subscription.endpoint),
        ("Owner", &state.config.account),
        ("RawMessageDelivery", "false"),
        (
            "PendingConfirmation",
            if pending { "true" } else { "false" },
        ),
        (AUTHENTICATED, if pending { "false" } else { "true" }),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    if subscription.attributes.contains_key("FilterPolicy") {
        all.insert(
            "FilterPolicyScope".to_owned(),
            "MessageAttributes".to_owned(),
        );
    }
    all.extend(subscription.attributes);
    Ok(xml::map("Attributes", &all))
}

pub(super) fn set_attributes(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let mut subscription = Subscription::get(conn, form.required("SubscriptionArn")?)?;
    let value = form.get("AttributeValue").unwrap_or_default();
    subscription.set(form.required("AttributeName")?, value)?;
    subscription.filter()?;
    subscription.save(conn)?;
    Ok(String::new())
}
