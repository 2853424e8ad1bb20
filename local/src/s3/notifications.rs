//! Event notifications: which queues a bucket tells of which events, and the events, put into the
//! queue in the transaction that changes the object: neither exists without the other.
//!
//! Sources: "Configuring event notifications using object key name filtering" and "Event message
//! structure" in the S3 user guide.

use rusqlite::Connection;
use s3s::dto::{
    FilterRule, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter,
    QueueConfiguration, S3KeyFilter,
};
use s3s::{S3Error, s3_error};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::error::{S3Failure, not_served};
use super::rows::{BucketConfig, Object};
use crate::context::Context;
use crate::sqs::{self, MessageAttributes, QueueId, QueueNames};

/// Whom to tell of what, as it is kept with the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) queue_arn: String,
    events: Vec<String>,
    prefix: Option<String>,
    suffix: Option<String>,
}

impl Rule {
    fn from_dto(queue: QueueConfiguration) -> Result<Self, S3Error> {
        let mut rule = Self {
            id: queue.id.unwrap_or_else(|| Uuid::new_v4().to_string()),
            queue_arn: queue.queue_arn,
            events: queue.events.iter().map(|e| e.as_ref().to_owned()).collect(),
            prefix: None,
            suffix: None,
        };
        if let Some(unknown) = rule
            .events
            .iter()
            .find(|event| !EVENTS.contains(&event.as_str()))
        {
            return Err(s3_error!(
                InvalidArgument,
                "The event '{unknown}' is not supported for notifications"
            ));
        }
        let filters = queue
            .filter
            .and_then(|f| f.key)
            .and_then(|k| k.filter_rules);
        for FilterRule { name, value } in filters.unwrap_or_default() {
            let name = name
                .map(|n| n.as_str().to_ascii_lowercase())
                .unwrap_or_default();
            let place = match name.as_str() {
                FilterRuleName::PREFIX => &mut rule.prefix,
                FilterRuleName::SUFFIX => &mut rule.suffix,
                _ => {
                    let message = "filter rule name must be either prefix or suffix";
                    return Err(s3_error!(InvalidArgument, "{message}"));
                }
            };
            if place.replace(value.unwrap_or_default()).is_some() {
                let message = "Cannot specify more than one prefix or suffix rule in a filter.";
                return Err(s3_error!(InvalidArgument, "{message}"));
            }
        }
        Ok(rule)
    }

    fn into_dto(self) -> QueueConfiguration {
        let filter = |name, value: Option<String>| {
            value.map(|value| FilterRule {
                name: Some(FilterRuleName::from_static(name)),
                value: Some(value),
            })
        };
        let rules: Vec<FilterRule> = filter(FilterRuleName::PREFIX, self.prefix)
            .into_iter()
            .chain(filter(FilterRuleName::SUFFIX, self.suffix))
            .collect();
        let filter = (!rules.is_empty()).then_some(NotificationConfigurationFilter {
            key: Some(S3KeyFilter {
                filter_rules: Some(rules),
            }),
        });
        QueueConfiguration {
            events: self.events.into_iter().map(Into::into).collect(),
            filter,
            id: Some(self.id),
            queue_arn: self.queue_arn,
        }
    }

    pub(super) fn wants(&self, event: &str, key: &str) -> bool {
        self.prefix
            .as_ref()
            .is_none_or(|prefix| key.starts_with(prefix.as_str()))
            && self
                .suffix
                .as_ref()
                .is_none_or(|suffix| key.ends_with(suffix.as_str()))
            && self.events.iter().any(|wanted| covers(wanted, event))
    }

    /// Whether one object could concern both: AWS allows only one destination for each event.
    fn overlaps(&self, other: &Self) -> bool {
        let (prefix, other_prefix) = (self.prefix.as_deref(), other.prefix.as_deref());
        let (suffix, other_suffix) = (self.suffix.as_deref(), other.suffix.as_deref());
        let (a, b) = (prefix.unwrap_or_default(), other_prefix.unwrap_or_default());
        let (c, d) = (suffix.unwrap_or_default(), other_suffix.unwrap_or_default());
        let share = |event: &String| {
            other
                .events
                .iter()
                .any(|theirs| covers(theirs, event) || covers(event, theirs))
        };
        (a.starts_with(b) || b.starts_with(a))
            && (c.ends_with(d) || d.ends_with(c))
            && self.events.iter().any(share)
    }
}

/// The events that happen here. Others of "Supported event types" in the S3 user guide are refused, so
/// that nobody waits for them.
const EVENTS: [&str; 7] = [
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
];

fn covers(wanted: &str, event: &str) -> bool {
    wanted == event
        || wanted
            .strip_suffix('*')
            .is_some_and(|family| event.starts_with(family))
}

/// Reads a configuration, refusing what is not served.
pub(super) fn parse_rules(configuration: NotificationConfiguration) -> Result<Vec<Rule>, S3Error> {
    if configuration
        .topic_configurations
        .is_some_and(|c| !c.is_empty())
    {
        return Err(not_served("notifications to a topic"));
    }
    if configuration
        .lambda_function_configurations
        .is_some_and(|c| !c.is_empty())
    {
        return Err(not_served("notifications to a function"));
    }
    if configuration.event_bridge_configuration.is_some() {
        return Err(not_served("notifications to EventBridge"));
    }
    let queues = configuration.queue_configurations.unwrap_or_default();
    let rules = queues
        .into_iter()
        .map(Rule::from_dto)
        .collect::<Result<Vec<_>, _>>()?;
    for (n, rule) in rules.iter().enumerate() {
        if rules[..n].iter().any(|earlier| earlier.overlaps(rule)) {
            return Err(s3_error!(
                InvalidArgument,
                "Configurations overlap. Configurations on the same bucket cannot share a common \
                 event type."
            ));
        }
    }
    Ok(rules)
}

/// The rules as the API tells them.
pub(super) fn queue_configurations(rules: Vec<Rule>) -> Vec<QueueConfiguration> {
    rules.into_iter().map(Rule::into_dto).collect()
}

/// The rules of a bucket.
pub(super) fn load_rules(connection: &Connection, bucket: &str) -> Result<Vec<Rule>, S3Failure> {
    let stored = BucketConfig::Notification.get(connection, bucket)?;
    Ok(stored
        .map(|json| serde_json::from_str(&json))
        .transpose()?
        .unwrap_or_default())
}

/// Keeps new rules and sends each queue the test event, as AWS does; a queue that is not there
/// fails the call. Gives the queues to be woken.
pub(super) fn save_rules(
    connection: &Connection,
    context: &Context,
    queues: &QueueNames,
    bucket: &str,
    rules: &[Rule],
) -> Result<Vec<QueueId>, S3Failure> {
    let json = serde_json::to_string(rules)?;
    BucketConfig::Notification.set(connection, bucket, Some(&json))?;
    let now = context.clock.now_ms();
    let body = json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso_time(now),
        "Bucket": bucket,
        "RequestId": Uuid::new_v4().to_string(),
        "HostId": Uuid::new_v4().to_string(),
    });
    let send = |rule: &Rule| {
        let attributes = MessageAttributes::new();
        sqs::enqueue(
            connection,
            queues,
            &rule.queue_arn,
            body.to_string(),
            attributes,
            now,
        )
        .map_err(|_| {
            let message = "Unable to validate the following destination configurations";
            S3Failure(s3_error!(InvalidArgument, "{message}: {}", rule.queue_arn))
        })
    };
    rules.iter().map(send).collect()
}

/// Tells of one change, inside its transaction. Gives the queues to be woken after the commit.
pub(super) fn send_event(
    connection: &Connection,
    context: &Context,
    queues: &QueueNames,
    bucket: &str,
    key: &str,
    event: &str,
    object: Option<&Object>,
) -> Result<Vec<QueueId>, S3Failure> {
    let mut told = Vec::new();
    for rule in load_rules(connection, bucket)?
        .into_iter()
        .filter(|rule| rule.wants(event, key))
    {
        let now = context.clock.now_ms();
        let body = event_record(context, bucket, key, event, object, &rule.id).to_string();
        let attributes = MessageAttributes::new();
        match sqs::enqueue(connection, queues, &rule.queue_arn, body, attributes, now) {
            Ok(queue) => told.push(queue),
            // Deleted since: AWS drops the event as well, and the object stays.
            Err(error) => tracing::warn!(%error, queue = rule.queue_arn, "an S3 event was dropped"),
        }
    }
    Ok(told)
}

fn event_record(
    context: &Context,
    bucket: &str,
    key: &str,
    event: &str,
    object: Option<&Object>,
    rule: &str,
) -> serde_json::Value {
    let mut told = json!({
        "key": encode_key(key),
        // Grows with every event, as AWS promises for the events of one key.
        "sequencer": Uuid::now_v7().simple().to_string().to_uppercase(),
    });
    if let Some(object) = object {
        told["size"] = json!(object.size);
        told["eTag"] = json!(object.etag);
    }
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": context.config.region,
        "eventTime": iso_time(context.clock.now_ms()),
        "eventName": event.trim_start_matches("s3:"),
        "userIdentity": {"principalId": context.config.account},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": Uuid::new_v4().to_string(),
            "x-amz-id-2": Uuid::new_v4().to_string(),
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule,
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": context.config.account},
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": told,
        },
    }]})
}

/// Keys travel encoded like a form: a space is `+`, all but letters, digits, `*-._` and the slash is
/// `%XX`.
pub(super) fn encode_key(key: &str) -> String {
    form_urlencoded::byte_serialize(key.as_bytes())
        .collect::<String>()
        .replace("%2F", "/")
}

fn iso_time(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_covers_its_events() {
        assert!(covers("s3:ObjectCreated:*", "s3:ObjectCreated:Put"));
        assert!(!covers("s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"));
    }

    #[test]
    fn keys_are_encoded_as_aws_encodes_them() {
        assert_eq!(
            encode_key("uploads/a b+c=é~.mp4"),
            "uploads/a+b%2Bc%3D%C3%A9%7E.mp4"
        );
    }
}
