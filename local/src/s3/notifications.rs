//! Which queues a bucket tells of which events.
//!
//! Source: "Configuring event notifications using object key name filtering" in the S3 user guide.

use s3s::dto::{
    FilterRule, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter,
    QueueConfiguration, S3KeyFilter,
};
use s3s::{S3Error, s3_error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::not_served;

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
        if let Some(unknown) = rule.events.iter().find(|event| !is_event(event)) {
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

/// All events ("Supported event types" in the S3 user guide) by family; a family that is empty is
/// an event itself. Most of them never happen here.
const EVENTS: [(&str, &[&str]); 10] = [
    (
        "ObjectCreated",
        &["*", "Put", "Post", "Copy", "CompleteMultipartUpload"],
    ),
    ("ObjectRemoved", &["*", "Delete", "DeleteMarkerCreated"]),
    ("ObjectRestore", &["*", "Post", "Completed", "Delete"]),
    ("ReducedRedundancyLostObject", &[]),
    (
        "Replication",
        &[
            "*",
            "OperationFailedReplication",
            "OperationMissedThreshold",
            "OperationReplicatedAfterThreshold",
            "OperationNotTracked",
        ],
    ),
    (
        "LifecycleExpiration",
        &["*", "Delete", "DeleteMarkerCreated"],
    ),
    ("LifecycleTransition", &[]),
    ("IntelligentTiering", &[]),
    ("ObjectTagging", &["*", "Put", "Delete"]),
    ("ObjectAcl", &["Put"]),
];

fn is_event(event: &str) -> bool {
    let Some(event) = event.strip_prefix("s3:") else {
        return false;
    };
    EVENTS
        .iter()
        .any(|(family, kinds)| match event.split_once(':') {
            Some((name, kind)) => name == *family && kinds.contains(&kind),
            None => event == *family && kinds.is_empty(),
        })
}

fn covers(wanted: &str, event: &str) -> bool {
    wanted == event
        || wanted
            .strip_suffix('*')
            .is_some_and(|family| event.starts_with(family))
}

/// Reads a configuration, refusing what is not served.
pub(super) fn rules(configuration: NotificationConfiguration) -> Result<Vec<Rule>, S3Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_that_there_are_can_be_wanted() {
        for event in [
            "s3:ObjectCreated:*",
            "s3:LifecycleTransition",
            "s3:ObjectAcl:Put",
        ] {
            assert!(is_event(event), "{event}");
        }
        for event in [
            "s3:ObjectCreated:Nonsense",
            "s3:ObjectCreated",
            "ObjectCreated:Put",
        ] {
            assert!(!is_event(event), "{event}");
        }
    }

    #[test]
    fn a_family_covers_its_events() {
        assert!(covers("s3:ObjectCreated:*", "s3:ObjectCreated:Put"));
        assert!(!covers("s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"));
    }
}
