//! A subscription: who gets a topic's messages, in which form, and which of them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::error;
use super::filter::{Filter, Scope};
use crate::error::ServiceError;
use crate::state::State;
use crate::xml;

type Map = BTreeMap<String, String>;

/// A subscription's row.
pub(super) struct Subscription {
    pub(super) arn: String,
    pub(super) topic: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    pub(super) attributes: Map,
    /// What confirms it, until it is confirmed.
    pub(super) token: Option<String>,
}

pub(super) const COLUMNS: &str = "arn, topic, protocol, endpoint, attributes, token";

/// Kept among the attributes where a confirmation came unsigned; no caller can set it.
pub(super) const AUTHENTICATED: &str = "ConfirmationWasAuthenticated";

impl Subscription {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
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

    pub(super) fn get(conn: &Connection, arn: &str) -> Result<Self, ServiceError> {
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

    pub(super) fn save(&self, conn: &Connection) -> Result<(), ServiceError> {
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

    /// Whether these are the ones that its owner set.
    pub(super) fn has_attributes(&self, wanted: &Map) -> bool {
        let attributes = self.attributes.iter();
        attributes
            .filter(|(name, _)| *name != AUTHENTICATED)
            .eq(wanted)
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
    pub(super) fn unsubscribe_url(&self, state: &State) -> String {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("SubscriptionArn", &self.arn)
            .finish();
        format!("{}/_local/mail/unsubscribe?{query}", state.url)
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

    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), ServiceError> {
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

    pub(super) fn describe(&self, account: &str) -> String {
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
