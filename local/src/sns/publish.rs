//! Publishing: one delivery for each subscription.

use chrono::{DateTime, SecondsFormat};
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::subscription::Subscription;
use super::topic::require_topic;
use super::{invalid, not_served, required};
use crate::context::Context;
use crate::error::ServiceError;
use crate::form::Form;
use crate::sqs::{self, MessageAttribute, MessageAttributes};
use crate::xml;

/// Bytes of a message with its attributes.
const MAX_SIZE: i64 = 262_144;

/// A message, checked.
struct Message {
    id: String,
    subject: Option<String>,
    body: String,
    attributes: MessageAttributes,
}

impl Message {
    fn from_form(form: &Form) -> Result<Self, ServiceError> {
        for name in [
            "PhoneNumber",
            "MessageStructure",
            "MessageGroupId",
            "MessageDeduplicationId",
        ] {
            if form.get(name).is_some() {
                return Err(not_served(name));
            }
        }
        let body = form.get("Message").filter(|text| !text.is_empty());
        let body = body.ok_or_else(|| invalid("Empty message"))?;
        let subject = form.get("Subject");
        let readable =
            |s: &str| (1..100).contains(&s.chars().count()) && !s.chars().any(char::is_control);
        if subject.is_some_and(|subject| !readable(subject)) {
            return Err(invalid("Subject"));
        }
        let attributes = message_attributes(form)?;
        sqs::check_attributes(&attributes).map_err(|refused| {
            ServiceError::bad_request("ParameterValueInvalid", refused.message)
        })?;
        if sqs::size(body, &attributes) > MAX_SIZE {
            return Err(invalid("Message too long"));
        }
        Ok(Self {
            id: Uuid::new_v4().to_string(),
            subject: subject.map(str::to_owned),
            body: body.to_owned(),
            attributes,
        })
    }

    /// The JSON that carries a message where raw delivery is off.
    fn envelope(&self, context: &Context, topic: &str, to: &Subscription, now_ms: i64) -> Value {
        let time = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
        let mut envelope = json!({
            "Type": "Notification",
            "MessageId": self.id,
            "TopicArn": topic,
            "Message": self.body,
            "Timestamp": time.to_rfc3339_opts(SecondsFormat::Millis, true),
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertURL": "",
            "UnsubscribeURL": to.unsubscribe_url(context),
        });
        if let Some(subject) = &self.subject {
            envelope["Subject"] = json!(subject);
        }
        if !self.attributes.is_empty() {
            let told = self.attributes.iter().map(|(name, attribute)| {
                let text = attribute.string_value.as_ref();
                let value = text.or(attribute.binary_value.as_ref());
                let told = json!({ "Type": attribute.data_type, "Value": value });
                (name.clone(), told)
            });
            envelope["MessageAttributes"] = told.collect::<Map<_, _>>().into();
        }
        envelope
    }
}

fn message_attributes(form: &Form) -> Result<MessageAttributes, ServiceError> {
    let entries = form.list("MessageAttributes.entry").into_iter();
    let attributes = entries.map(|entry| {
        let value = |name| entry.get(name).map(str::to_owned);
        let attribute = MessageAttribute {
            data_type: value("Value.DataType").unwrap_or_default(),
            string_value: value("Value.StringValue"),
            binary_value: value("Value.BinaryValue"),
            ..MessageAttribute::default()
        };
        Ok((required(&entry, "Name")?.to_owned(), attribute))
    });
    attributes.collect()
}

pub(super) fn publish(
    conn: &Connection,
    context: &Context,
    form: &Form,
    now_ms: i64,
) -> Result<String, ServiceError> {
    let message = Message::from_form(form)?;
    let topic = form.get("TopicArn").or_else(|| form.get("TargetArn"));
    let topic = topic
        .ok_or_else(|| invalid("TopicArn or TargetArn Reason: no value for required parameter"))?;
    require_topic(conn, topic)?;
    for subscription in Subscription::all_of_topic(conn, topic)? {
        let (body, attributes) = if subscription.is_raw() {
            (message.body.clone(), &message.attributes)
        } else {
            let envelope = message.envelope(context, topic, &subscription, now_ms);
            (envelope.to_string(), &MessageAttributes::new())
        };
        conn.prepare_cached(
            "INSERT INTO sns_delivery
                (protocol, endpoint, dead_letters, subject, body, attributes, due_ms)
             VALUES ('sqs', ?, ?, '', ?, ?, ?)",
        )?
        .execute(params![
            subscription.endpoint,
            subscription.dead_letters(),
            body,
            serde_json::to_string(attributes)?,
            now_ms
        ])?;
    }
    Ok(xml::text("MessageId", &message.id))
}
