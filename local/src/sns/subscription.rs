//! Subscriptions: who gets a topic's messages, in which form, and which of them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use uuid::Uuid;

use super::filter::{Filter, Scope};
use super::form::Form;
use super::topic::{PAGE, Topic, next_token};
use super::{error, xml};
use crate::error::ServiceError;
use crate::mail::{self, Mail};
use crate::state::State;

type Map = BTreeMap<String, String>;

/// A subscription's row.
pub(super) struct Subscription {
    pub(super) arn: String,
    topic: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    attributes: Map,
    /// What confirms it, until it is confirmed.
    token: Option<String>,
}

const COLUMNS: &str = "arn, topic, protocol, endpoint, attributes, token";

impl Subscription {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let attributes: String = row.get(4)?;
        Ok(Self {
            arn: row.get(0)?,
            topic: row.get(1)?,
            protocol: row.get(2)?,
            endpoint: row.get(3)?,
            // Holds only what this module wrote.
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
            token: row.get(5)?,
        })
    }

    fn get(conn: &Connection, arn: &str) -> Result<Self, ServiceError> {
        if !arn.starts_with("arn:aws:sns:") {
            return Err(error::invalid("SubscriptionArn"));
        }
        let sql = format!("SELECT {COLUMNS} FROM sns_subscription WHERE arn = ?");
        let found = conn
            .prepare_cached(&sql)?
            .query_row([arn], Self::from_row)
            .optional()?;
        found.ok_or_else(error::no_subscription)
    }

    /// Those of a topic that are confirmed.
    pub(super) fn of_topic(conn: &Connection, topic: &str) -> Result<Vec<Self>, ServiceError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM sns_subscription WHERE topic = ? AND token IS NULL ORDER BY arn"
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let found = statement.query_map([topic], Self::from_row)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn save(&self, conn: &Connection) -> Result<(), ServiceError> {
        conn.prepare_cached(
            "INSERT INTO sns_subscription (arn, topic, protocol, endpoint, attributes, token)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (arn) DO UPDATE SET attributes = ?5, token = ?6",
        )?
        .execute(params![
            self.arn,
            self.topic,
            self.protocol,
            self.endpoint,
            serde_json::to_string(&self.attributes)?,
            self.token
        ])?;
        Ok(())
    }

    pub(super) fn is_raw(&self) -> bool {
        self.attributes
            .get("RawMessageDelivery")
            .is_some_and(|value| value == "true")
    }

    /// The queue for what cannot be delivered.
    pub(super) fn dead_letters(&self) -> Option<String> {
        let policy: Value = serde_json::from_str(self.attributes.get("RedrivePolicy")?).ok()?;
        policy["deadLetterTargetArn"].as_str().map(str::to_owned)
    }

    /// Which messages are wanted; all without a policy.
    pub(super) fn filter(&self) -> Result<Option<Filter>, ServiceError> {
        let Some(policy) = self.attributes.get("FilterPolicy") else {
            return Ok(None);
        };
        let scope = match self.attributes.get("FilterPolicyScope").map(String::as_str) {
            Some("MessageBody") => Scope::Body,
            _ => Scope::Attributes,
        };
        let filter = Filter::parse(policy, scope);
        filter
            .map(Some)
            .map_err(|reason| error::invalid(format!("FilterPolicy: {reason}")))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ServiceError> {
        let valid = match name {
            "RawMessageDelivery" => {
                if value == "true" && self.protocol != "sqs" {
                    return Err(error::invalid(
                        "Attributes Reason: Delivery protocol does not support raw message delivery.",
                    ));
                }
                matches!(value, "true" | "false")
            }
            "FilterPolicyScope" => matches!(value, "MessageAttributes" | "MessageBody"),
            "RedrivePolicy" => {
                value.is_empty()
                    || serde_json::from_str::<Value>(value).is_ok_and(|policy| {
                        policy["deadLetterTargetArn"]
                            .as_str()
                            .is_some_and(|arn| arn.starts_with("arn:aws:sqs:"))
                    })
            }
            // Checked with its scope once all attributes are known.
            "FilterPolicy" => true,
            _ => {
                return Err(error::not_served(format!(
                    "Attributes Reason: the attribute {name}"
                )));
            }
        };
        if !valid {
            return Err(error::invalid(format!(
                "Attributes Reason: {name}: {value}"
            )));
        }
        if value.is_empty() || (name == "FilterPolicy" && value.trim() == "{}") {
            self.attributes.remove(name);
        } else {
            self.attributes.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    fn describe(&self, account: &str) -> String {
        let arn = if self.token.is_some() {
            "PendingConfirmation"
        } else {
            &self.arn
        };
        [
            ("SubscriptionArn", arn),
            ("Owner", account),
            ("Protocol", &self.protocol),
            ("Endpoint", &self.endpoint),
            ("TopicArn", &self.topic),
        ]
        .map(|(name, value)| xml::text(name, value))
        .concat()
    }
}

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
        token: (protocol != "sqs").then(|| Uuid::new_v4().simple().to_string()),
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
        Some(existing) if existing.attributes != wanted.attributes => {
            return Err(error::invalid(
                "Attributes Reason: Subscription already exists with different attributes",
            ));
        }
        Some(existing) => existing,
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

pub(super) fn confirm(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let topic = Topic::get(conn, form.required("TopicArn")?)?;
    let arn: Option<String> = conn
        .prepare_cached(
            "UPDATE sns_subscription SET token = NULL WHERE topic = ? AND token = ? RETURNING arn",
        )?
        .query_row([topic.arn.as_str(), form.required("Token")?], |row| {
            row.get(0)
        })
        .optional()?;
    let arn = arn.ok_or_else(|| error::invalid("Token"))?;
    Ok(xml::text("SubscriptionArn", &arn))
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
    conn.prepare_cached("DELETE FROM sns_subscription WHERE arn = ?")?
        .execute([arn])?;
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
        (
            "ConfirmationWasAuthenticated",
            if pending { "false" } else { "true" },
        ),
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
