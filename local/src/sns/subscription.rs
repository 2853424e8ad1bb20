//! Subscriptions: which queues get a topic's messages, and in which form.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use uuid::Uuid;

use super::topic::{next_token, require_topic};
use super::{MAX_PAGE, invalid, not_found, not_served, required};
use crate::context::Context;
use crate::error::ServiceError;
use crate::form::Form;
use crate::xml;

type Map = BTreeMap<String, String>;

/// A subscription's row. The endpoint is a queue's ARN.
pub(super) struct Subscription {
    pub(super) arn: String,
    topic: String,
    pub(super) endpoint: String,
    attributes: Map,
}

const COLUMNS: &str = "arn, topic, endpoint, attributes";

impl Subscription {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let attributes: String = row.get(3)?;
        Ok(Self {
            arn: row.get(0)?,
            topic: row.get(1)?,
            endpoint: row.get(2)?,
            // Holds only what this module wrote.
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
        })
    }

    fn get(conn: &Connection, arn: &str) -> Result<Self, ServiceError> {
        if !arn.starts_with("arn:aws:sns:") {
            return Err(invalid("SubscriptionArn"));
        }
        let sql = format!("SELECT {COLUMNS} FROM sns_subscription WHERE arn = ?");
        let found = conn
            .prepare_cached(&sql)?
            .query_row([arn], Self::from_row)
            .optional()?;
        found.ok_or_else(|| not_found("Subscription"))
    }

    /// Those of a topic, after an ARN.
    fn page_of_topic(
        conn: &Connection,
        topic: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Self>, ServiceError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM sns_subscription WHERE topic = ? AND arn > ? ORDER BY arn LIMIT ?"
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let found = statement.query_map(params![topic, after, limit], Self::from_row)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    pub(super) fn all_of_topic(conn: &Connection, topic: &str) -> Result<Vec<Self>, ServiceError> {
        Self::page_of_topic(conn, topic, "", -1)
    }

    fn save(&self, conn: &Connection) -> Result<(), ServiceError> {
        conn.prepare_cached(
            "INSERT INTO sns_subscription (arn, topic, protocol, endpoint, attributes)
             VALUES (?1, ?2, 'sqs', ?3, ?4) ON CONFLICT (arn) DO UPDATE SET attributes = ?4",
        )?
        .execute(params![
            self.arn,
            self.topic,
            self.endpoint,
            serde_json::to_string(&self.attributes)?
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

    /// The link that ends it.
    pub(super) fn unsubscribe_url(&self, context: &Context) -> String {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "Unsubscribe")
            .append_pair("SubscriptionArn", &self.arn)
            .finish();
        format!("{}/?{query}", context.url)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ServiceError> {
        let valid = match name {
            "RawMessageDelivery" => matches!(value, "true" | "false"),
            "RedrivePolicy" => {
                value.is_empty()
                    || serde_json::from_str::<Value>(value).is_ok_and(|policy| {
                        policy["deadLetterTargetArn"]
                            .as_str()
                            .is_some_and(|arn| arn.starts_with("arn:aws:sqs:"))
                    })
            }
            _ => {
                let what = format!("Attributes Reason: the attribute {name}");
                return Err(not_served(what));
            }
        };
        if !valid {
            return Err(invalid(format!("Attributes Reason: {name}: {value}")));
        }
        if value.is_empty() {
            self.attributes.remove(name);
        } else {
            self.attributes.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }
}

/// Subscribing again gives the same subscription. Queues need not confirm it.
pub(super) fn subscribe(
    conn: &Connection,
    _: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let topic = required(form, "TopicArn")?;
    require_topic(conn, topic)?;
    let (protocol, endpoint) = (required(form, "Protocol")?, required(form, "Endpoint")?);
    if protocol != "sqs" {
        return Err(not_served(format!("Protocol: {protocol}")));
    }
    if !endpoint.starts_with("arn:aws:sqs:") {
        return Err(invalid("SQS endpoint ARN"));
    }
    let mut wanted = Subscription {
        arn: format!("{topic}:{}", Uuid::new_v4()),
        topic: topic.to_owned(),
        endpoint: endpoint.to_owned(),
        attributes: Map::new(),
    };
    for (name, value) in form.map("Attributes.entry", "key", "value") {
        wanted.set(&name, &value)?;
    }
    let sql = format!("SELECT {COLUMNS} FROM sns_subscription WHERE topic = ? AND endpoint = ?");
    let existing = conn
        .prepare_cached(&sql)?
        .query_row([topic, endpoint], Subscription::from_row)
        .optional()?;
    let arn = match existing {
        Some(existing) if existing.attributes != wanted.attributes => {
            return Err(invalid(
                "Attributes Reason: Subscription already exists with different attributes",
            ));
        }
        Some(existing) => existing.arn,
        None => {
            wanted.save(conn)?;
            wanted.arn
        }
    };
    Ok(xml::text("SubscriptionArn", &arn))
}

/// Ending what has ended succeeds, as in AWS.
pub(super) fn unsubscribe(
    conn: &Connection,
    _: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let arn = required(form, "SubscriptionArn")?;
    if !arn.starts_with("arn:aws:sns:") {
        let what = "SubscriptionArn Reason: An ARN must have at least 6 elements";
        return Err(invalid(what));
    }
    conn.prepare_cached("DELETE FROM sns_subscription WHERE arn = ?")?
        .execute([arn])?;
    Ok(String::new())
}

pub(super) fn list_by_topic(
    conn: &Connection,
    context: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let topic = required(form, "TopicArn")?;
    require_topic(conn, topic)?;
    let after = form.get("NextToken").unwrap_or_default();
    let limit = i64::try_from(MAX_PAGE + 1).unwrap_or(i64::MAX);
    let found = Subscription::page_of_topic(conn, topic, after, limit)?;
    let page = &found[..found.len().min(MAX_PAGE)];
    let members = page.iter().map(|subscription| {
        [
            ("SubscriptionArn", &subscription.arn),
            ("Owner", &context.config.account),
            ("Protocol", &"sqs".to_owned()),
            ("Endpoint", &subscription.endpoint),
            ("TopicArn", &subscription.topic),
        ]
        .map(|(name, value)| xml::text(name, value))
        .concat()
    });
    let last = page.last().map(|subscription| &subscription.arn);
    Ok(xml::list("Subscriptions", members) + &next_token(last, found.len()))
}

pub(super) fn get_attributes(
    conn: &Connection,
    context: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let subscription = Subscription::get(conn, required(form, "SubscriptionArn")?)?;
    let mut all: Map = [
        ("SubscriptionArn", subscription.arn.as_str()),
        ("TopicArn", &subscription.topic),
        ("Protocol", "sqs"),
        ("Endpoint", &subscription.endpoint),
        ("Owner", &context.config.account),
        ("RawMessageDelivery", "false"),
        ("PendingConfirmation", "false"),
        ("ConfirmationWasAuthenticated", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    all.extend(subscription.attributes);
    Ok(xml::map("Attributes", &all))
}

pub(super) fn set_attributes(
    conn: &Connection,
    _: &Context,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let mut subscription = Subscription::get(conn, required(form, "SubscriptionArn")?)?;
    let value = form.get("AttributeValue").unwrap_or_default();
    subscription.set(required(form, "AttributeName")?, value)?;
    subscription.save(conn)?;
    Ok(String::new())
}
