//! Publishing: one delivery for each subscription that wants the message.

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat};
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error;
use super::subscription::Subscription;
use super::topic::Topic;
use crate::error::ServiceError;
use crate::form::Form;
use crate::sqs::{self, MessageAttributes};
use crate::state::State;
use crate::xml;

/// Bytes of a message with its attributes, and of a whole batch.
const LIMIT: i64 = 262_144;

/// A message, checked.
struct Message {
    id: String,
    subject: Option<String>,
    body: Body,
    attributes: MessageAttributes,
    size: i64,
}

/// The text, or one for each protocol (`MessageStructure: json`).
enum Body {
    Same(String),
    ByProtocol {
        default: String,
        own: Map<String, Value>,
    },
}

impl Body {
    fn read(text: &str, structure: Option<&str>) -> Result<Self, ServiceError> {
        match structure {
            None => Ok(Self::Same(text.to_owned())),
            Some("json") => {
                let own: Map<String, Value> = serde_json::from_str(text).map_err(|_| {
                    error::invalid("Message Structure - JSON message body failed to parse")
                })?;
                let default = own.get("default").and_then(Value::as_str).ok_or_else(|| {
                    error::invalid("Message Structure - No default entry in JSON message body")
                })?;
                Ok(Self::ByProtocol {
                    default: default.to_owned(),
                    own,
                })
            }
            Some(_) => Err(error::invalid("MessageStructure")),
        }
    }

    fn for_protocol(&self, protocol: &str) -> &str {
        match self {
            Self::Same(text) => text,
            Self::ByProtocol { default, own } => {
                own.get(protocol).and_then(Value::as_str).unwrap_or(default)
            }
        }
    }
}

impl Message {
    /// Reads a request, or an entry of a batch.
    fn read(form: &Form) -> Result<Self, ServiceError> {
        for name in ["PhoneNumber", "MessageGroupId", "MessageDeduplicationId"] {
            if form.get(name).is_some() {
                return Err(error::not_served(name));
            }
        }
        let text = form.get("Message").filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| error::invalid("Empty message"))?;
        let subject = form.get("Subject");
        let readable =
            |s: &str| (1..100).contains(&s.chars().count()) && !s.chars().any(char::is_control);
        if subject.is_some_and(|subject| !readable(subject)) {
            return Err(error::invalid("Subject"));
        }
        let attributes = form.message_attributes()?;
        sqs::check_attributes(&attributes).map_err(|refused| {
            ServiceError::bad_request("ParameterValueInvalid", refused.message)
        })?;
        let size = sqs::size(text, &attributes);
        if size > LIMIT {
            return Err(error::invalid("Message too long"));
        }
        Ok(Self {
            id: Uuid::new_v4().to_string(),
            subject: subject.map(str::to_owned),
            body: Body::read(text, form.get("MessageStructure"))?,
            attributes,
            size,
        })
    }

    fn send(
        &self,
        conn: &Connection,
        state: &State,
        topic: &Topic,
        now_ms: i64,
    ) -> Result<(), ServiceError> {
        for subscription in Subscription::of_topic(conn, &topic.arn)? {
            let body = self.body.for_protocol(&subscription.protocol);
            if let Some(filter) = subscription.filter()?
                && !filter.takes(body, &self.attributes)
            {
                continue;
            }
            let text = if subscription.is_raw() {
                body.to_owned()
            } else if subscription.protocol == "email" {
                let url = subscription.unsubscribe_url(state);
                format!(
                    "{body}\n\n--\nTo stop receiving notifications from this topic, visit:\n{url}\n"
                )
            } else {
                self.envelope(state, topic, &subscription, body, now_ms)
                    .to_string()
            };
            let raw_attributes = if subscription.is_raw() {
                &self.attributes
            } else {
                &MessageAttributes::new()
            };
            conn.prepare_cached(
                "INSERT INTO sns_delivery
                    (protocol, endpoint, dead_letters, subject, body, attributes, due_ms)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                subscription.protocol,
                subscription.endpoint,
                subscription.dead_letters(),
                self.subject
                    .as_deref()
                    .unwrap_or("AWS Notification Message"),
                text,
                serde_json::to_string(raw_attributes)?,
                now_ms
            ])?;
        }
        Ok(())
    }

    /// The JSON that carries a message where raw delivery is off.
    fn envelope(
        &self,
        state: &State,
        topic: &Topic,
        subscription: &Subscription,
        body: &str,
        now_ms: i64,
    ) -> Value {
        let time = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
        let mut envelope = json!({
            "Type": "Notification",
            "MessageId": self.id,
            "TopicArn": topic.arn,
            "Message": body,
            "Timestamp": time.to_rfc3339_opts(SecondsFormat::Millis, true),
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertURL": "",
            "UnsubscribeURL": subscription.unsubscribe_url(state),
        });
        if let Some(subject) = &self.subject {
            envelope["Subject"] = json!(subject);
        }
        if !self.attributes.is_empty() {
            envelope["MessageAttributes"] = self
                .attributes
                .iter()
                .map(|(name, attribute)| {
                    let value = attribute
                        .string_value
                        .as_ref()
                        .or(attribute.binary_value.as_ref());
                    (
                        name.clone(),
                        json!({ "Type": attribute.data_type, "Value": value }),
                    )
                })
                .collect::<Map<_, _>>()
                .into();
        }
        envelope
    }
}

fn topic(conn: &Connection, form: &Form) -> Result<Topic, ServiceError> {
    let arn = form.get("TopicArn").or_else(|| form.get("TargetArn"));
    Topic::get(
        conn,
        arn.ok_or_else(|| {
            error::invalid("TopicArn or TargetArn Reason: no value for required parameter")
        })?,
    )
}

pub(super) fn publish(
    conn: &Connection,
    state: &State,
    form: &Form,
    now_ms: i64,
) -> Result<String, ServiceError> {
    let message = Message::read(form)?;
    message.send(conn, state, &topic(conn, form)?, now_ms)?;
    Ok(xml::text("MessageId", &message.id))
}

/// One entry's failure leaves the others alone.
pub(super) fn publish_batch(
    conn: &Connection,
    state: &State,
    form: &Form,
    now_ms: i64,
) -> Result<String, ServiceError> {
    let topic = topic(conn, form)?;
    let entries = form.list("PublishBatchRequestEntries.member");
    check_batch(&entries)?;
    let messages: Vec<_> = entries.iter().map(Message::read).collect();
    let total: i64 = messages.iter().flatten().map(|message| message.size).sum();
    if total > LIMIT {
        let message = "The length of all the messages put together is more than the limit.";
        return Err(ServiceError::bad_request("BatchRequestTooLong", message));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (entry, message) in std::iter::zip(&entries, messages) {
        let id = xml::text("Id", entry.get("Id").unwrap_or_default());
        match message {
            Ok(message) => {
                message.send(conn, state, &topic, now_ms)?;
                successful.push(id + &xml::text("MessageId", &message.id));
            }
            Err(refused) => failed.push(
                [
                    id,
                    xml::text("Code", &refused.code),
                    xml::text("Message", &refused.message),
                    xml::text("SenderFault", "true"),
                ]
                .concat(),
            ),
        }
    }
    Ok(xml::list("Successful", successful) + &xml::list("Failed", failed))
}

fn check_batch(entries: &[Form]) -> Result<(), ServiceError> {
    let refuse = |code, message: &str| Err(ServiceError::bad_request(code, message));
    if entries.is_empty() {
        return refuse(
            "EmptyBatchRequest",
            "The batch request doesn't contain any entries.",
        );
    }
    if entries.len() > 10 {
        let message = "The batch request contains more entries than permissible.";
        return refuse("TooManyEntriesInBatchRequest", message);
    }
    let mut seen = HashSet::new();
    for entry in entries {
        let id = entry.get("Id").unwrap_or_default();
        let letters = id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !letters || !(1..=80).contains(&id.len()) {
            return refuse(
                "InvalidBatchEntryId",
                "The Id of a batch entry in a batch request doesn't abide by the specification.",
            );
        }
        if !seen.insert(id) {
            return refuse(
                "BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            );
        }
    }
    Ok(())
}
