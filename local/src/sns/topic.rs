//! Topics and their tags.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use super::error;
use crate::error::ServiceError;
use crate::form::Form;
use crate::state::State;
use crate::xml;

type Map = BTreeMap<String, String>;

/// A topic's row.
pub(super) struct Topic {
    pub(super) arn: String,
    attributes: Map,
    tags: Map,
}

/// Attributes that can be set and are kept; only the names of those that change nothing here.
const KEPT: [&str; 5] = [
    "DisplayName",
    "Policy",
    "DeliveryPolicy",
    "SignatureVersion",
    "TracingConfig",
];

/// Topics and subscriptions on one page of a list.
pub(super) const PAGE: usize = 100;

impl Topic {
    pub(super) fn find(conn: &Connection, arn: &str) -> Result<Option<Self>, ServiceError> {
        let row = conn
            .prepare_cached("SELECT attributes, tags FROM sns_topic WHERE arn = ?")?
            .query_row([arn], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        let Some((attributes, tags)) = row else {
            return Ok(None);
        };
        Ok(Some(Self {
            arn: arn.to_owned(),
            attributes: serde_json::from_str(&attributes)?,
            tags: serde_json::from_str(&tags)?,
        }))
    }

    pub(super) fn get(conn: &Connection, arn: &str) -> Result<Self, ServiceError> {
        if !arn.starts_with("arn:aws:sns:") {
            return Err(error::invalid("TopicArn"));
        }
        Self::find(conn, arn)?.ok_or_else(error::no_topic)
    }

    fn save(&self, conn: &Connection) -> Result<(), ServiceError> {
        conn.prepare_cached(
            "INSERT INTO sns_topic (arn, attributes, tags) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET attributes = ?2, tags = ?3",
        )?
        .execute(params![
            self.arn,
            serde_json::to_string(&self.attributes)?,
            serde_json::to_string(&self.tags)?
        ])?;
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ServiceError> {
        let fifo = matches!(name, "FifoTopic" | "ContentBasedDeduplication") && value == "false";
        if fifo {
            return Ok(());
        }
        if !KEPT.contains(&name) {
            return Err(error::not_served(format!(
                "Attributes Reason: the attribute {name}"
            )));
        }
        let is_json = serde_json::from_str::<Value>(value).is_ok_and(|value| value.is_object());
        if matches!(name, "Policy" | "DeliveryPolicy") && !value.is_empty() && !is_json {
            return Err(error::invalid(format!(
                "Attributes Reason: {name} is not JSON"
            )));
        }
        self.attributes.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

/// Making a topic that is there gives its ARN again, unless it would be another topic.
pub(super) fn create(
    conn: &Connection,
    state: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let name = form.required("Name")?;
    if form.get("DataProtectionPolicy").is_some() {
        return Err(error::not_served("DataProtectionPolicy"));
    }
    if name.strip_suffix(".fifo").is_some() {
        return Err(error::not_served("FifoTopic"));
    }
    let letters = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !letters || name.len() > 256 {
        return Err(error::invalid("Topic Name"));
    }
    let arn = state.arn("sns", name);
    let mut topic = Topic {
        arn,
        attributes: Map::new(),
        tags: tags_in(form),
    };
    for (name, value) in form.map("Attributes.entry", "key", "value") {
        topic.set(&name, &value)?;
    }
    if let Some(existing) = Topic::find(conn, &topic.arn)? {
        let same = topic
            .attributes
            .iter()
            .all(|(name, value)| existing.attributes.get(name) == Some(value));
        if !same {
            return Err(error::invalid(
                "Attributes Reason: Topic already exists with different attributes",
            ));
        }
        if !topic.tags.is_empty() && topic.tags != existing.tags {
            return Err(error::invalid(
                "Tags Reason: Topic already exists with different tags",
            ));
        }
    } else {
        topic.save(conn)?;
    }
    Ok(xml::text("TopicArn", &topic.arn))
}

pub(super) fn delete(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    conn.prepare_cached("DELETE FROM sns_topic WHERE arn = ?")?
        .execute([form.required("TopicArn")?])?;
    Ok(String::new())
}

pub(super) fn list(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let mut statement =
        conn.prepare_cached("SELECT arn FROM sns_topic WHERE arn > ? ORDER BY arn LIMIT ?")?;
    let after = form.get("NextToken").unwrap_or_default();
    let arns = statement.query_map(params![after, PAGE + 1], |row| row.get::<_, String>(0))?;
    let arns = arns.collect::<Result<Vec<_>, _>>()?;
    let page = &arns[..arns.len().min(PAGE)];
    let topics = xml::list("Topics", page.iter().map(|arn| xml::text("TopicArn", arn)));
    Ok(topics + &next_token(page.last(), arns.len()))
}

/// The token of the next page, if there is one.
pub(super) fn next_token(last: Option<&String>, found: usize) -> String {
    let last = last.filter(|_| found > PAGE);
    last.map(|last| xml::text("NextToken", last))
        .unwrap_or_default()
}

pub(super) fn get_attributes(
    conn: &Connection,
    state: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let topic = Topic::get(conn, form.required("TopicArn")?)?;
    let (confirmed, pending, deleted): (i64, i64, i64) = conn
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE token IS NULL), count(token),
                coalesce((SELECT subscriptions FROM sns_deleted WHERE topic = ?1), 0)
             FROM sns_subscription WHERE topic = ?1",
        )?
        .query_row([&topic.arn], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let account = &state.config.account;
    let mut all: Map = [
        ("TopicArn", topic.arn.clone()),
        ("Owner", account.clone()),
        ("DisplayName", String::new()),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        ("SubscriptionsPending", pending.to_string()),
        ("SubscriptionsDeleted", deleted.to_string()),
        ("Policy", default_policy(&topic.arn, account)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    all.extend(topic.attributes);
    Ok(xml::map("Attributes", &all))
}

/// The policy of a topic without one: its owner may do everything with it.
fn default_policy(arn: &str, account: &str) -> String {
    let statement = json!({
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": { "AWS": "*" },
        "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes", "SNS:SetTopicAttributes"],
        "Resource": arn,
        "Condition": { "StringEquals": { "AWS:SourceOwner": account } },
    });
    json!({ "Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement] })
        .to_string()
}

pub(super) fn set_attributes(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let mut topic = Topic::get(conn, form.required("TopicArn")?)?;
    topic.set(
        form.required("AttributeName")?,
        form.get("AttributeValue").unwrap_or_default(),
    )?;
    topic.save(conn)?;
    Ok(String::new())
}

fn tags_in(form: &Form) -> Map {
    form.map("Tags.member", "Key", "Value")
}

fn tagged(conn: &Connection, form: &Form) -> Result<Topic, ServiceError> {
    Topic::find(conn, form.required("ResourceArn")?)?.ok_or_else(|| {
        let status = http::StatusCode::NOT_FOUND;
        ServiceError::new(status, "ResourceNotFound", "Resource does not exist")
    })
}

pub(super) fn tag(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let mut topic = tagged(conn, form)?;
    topic.tags.extend(tags_in(form));
    topic.save(conn)?;
    Ok(String::new())
}

pub(super) fn untag(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let mut topic = tagged(conn, form)?;
    for key in form.values("TagKeys.member") {
        topic.tags.remove(&key);
    }
    topic.save(conn)?;
    Ok(String::new())
}

pub(super) fn list_tags(
    conn: &Connection,
    _: &State,
    form: &Form,
    _: i64,
) -> Result<String, ServiceError> {
    let tags = tagged(conn, form)?.tags;
    let tag = |(key, value): (&String, &String)| xml::text("Key", key) + &xml::text("Value", value);
    Ok(xml::list("Tags", tags.iter().map(tag)))
}
