//! A queue's attributes: which there are, their limits and defaults, and the dead-letter policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::error;
use crate::error::ServiceError;

/// A numeric attribute with its limits and default, from the reference of `SetQueueAttributes`.
pub(super) struct Number {
    pub(super) name: &'static str,
    min: i64,
    max: i64,
    default: i64,
}

pub(super) const VISIBILITY: Number = number("VisibilityTimeout", 0, 43_200, 30);
pub(super) const DELAY: Number = number("DelaySeconds", 0, 900, 0);
pub(super) const MAX_SIZE: Number = number("MaximumMessageSize", 1_024, 1_048_576, 1_048_576);
pub(super) const RETENTION: Number = number("MessageRetentionPeriod", 60, 1_209_600, 345_600);
pub(super) const WAIT: Number = number("ReceiveMessageWaitTimeSeconds", 0, 20, 0);
const NUMBERS: [Number; 5] = [VISIBILITY, DELAY, MAX_SIZE, RETENTION, WAIT];

const fn number(name: &'static str, min: i64, max: i64, default: i64) -> Number {
    Number {
        name,
        min,
        max,
        default,
    }
}

impl Number {
    /// The most that may be set.
    pub(super) const fn highest(&self) -> i64 {
        self.max
    }

    /// A value given with one call instead of the queue's own.
    pub(super) fn check(&self, value: i64) -> Result<i64, ServiceError> {
        self.check_as(self.name, value)
    }

    /// The same where the call's parameter has another name than the attribute.
    pub(super) fn check_as(&self, parameter: &str, value: i64) -> Result<i64, ServiceError> {
        if (self.min..=self.max).contains(&value) {
            return Ok(value);
        }
        let range = format!("Must be >= {} and <= {}, if provided.", self.min, self.max);
        Err(error::invalid_value(parameter, value, range))
    }
}

/// `RedrivePolicy`: where a message goes that was received too often.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedrivePolicy {
    pub(super) dead_letter_target_arn: String,
    #[serde(deserialize_with = "number_or_text")]
    pub(super) max_receive_count: i64,
}

/// AWS takes `"3"` as well as `3`.
fn number_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(from)?;
    value
        .as_i64()
        .or_else(|| value.as_str()?.parse().ok())
        .ok_or_else(|| serde::de::Error::custom("maxReceiveCount is not a number"))
}

/// What was set on a queue; what was not has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// Checks and takes over `given`; an empty policy removes the one that was set.
    ///
    /// # Errors
    /// An unknown attribute, a value out of its limits, a policy that is not JSON, or an attribute
    /// that is not served here (FIFO, customer keys, limits of redrives), each by name.
    pub(super) fn set(&mut self, given: &BTreeMap<String, String>) -> Result<(), ServiceError> {
        for (name, value) in given {
            if let Some(number) = NUMBERS.iter().find(|number| number.name == name) {
                let in_range = value.parse().is_ok_and(|value| number.check(value).is_ok());
                if !in_range {
                    let range = format!("Must be >= {} and <= {}.", number.min, number.max);
                    return Err(error::invalid_attribute(name, range));
                }
            } else {
                check_text(name, value)?;
            }
            if value.is_empty() {
                self.0.remove(name);
            } else {
                self.0.insert(name.clone(), value.clone());
            }
        }
        Ok(())
    }

    pub(super) fn number(&self, number: &Number) -> i64 {
        self.0
            .get(number.name)
            .and_then(|value| value.parse().ok())
            .unwrap_or(number.default)
    }

    pub(super) fn redrive(&self) -> Option<RedrivePolicy> {
        serde_json::from_str(self.0.get("RedrivePolicy")?).ok()
    }

    /// Whether AWS knows an attribute of this name, set or not.
    pub(super) fn is_known(name: &str) -> bool {
        NUMBERS.iter().any(|number| number.name == name)
            || !matches!(check_text(name, ""), Err(error) if error.code == "InvalidAttributeName")
    }

    /// The first attribute of `given` whose value differs from the one in force here.
    pub(super) fn first_difference<'a>(
        &self,
        given: &'a BTreeMap<String, String>,
    ) -> Option<&'a str> {
        let in_force = self.in_force();
        let differs = |(name, value): &(&'a String, &String)| {
            in_force.get(name.as_str()).map_or("", String::as_str) != value.as_str()
        };
        given.iter().find(differs).map(|(name, _)| name.as_str())
    }

    /// All attributes with the defaults filled in, as `GetQueueAttributes` tells them.
    pub(super) fn in_force(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<_, _> = NUMBERS
            .iter()
            .map(|number| (number.name.to_owned(), number.default.to_string()))
            .collect();
        all.insert("SqsManagedSseEnabled".into(), "true".into());
        all.extend(self.0.clone());
        all
    }
}

fn check_text(name: &str, value: &str) -> Result<(), ServiceError> {
    let valid = match name {
        "RedrivePolicy" => serde_json::from_str::<RedrivePolicy>(value)
            .is_ok_and(|policy| (1..=1_000).contains(&policy.max_receive_count)),
        "Policy" => serde_json::from_str::<Value>(value).is_ok_and(|policy| policy.is_object()),
        "SqsManagedSseEnabled" => matches!(value, "true" | "false"),
        "RedriveAllowPolicy"
        | "FifoQueue"
        | "ContentBasedDeduplication"
        | "DeduplicationScope"
        | "FifoThroughputLimit"
        | "KmsMasterKeyId"
        | "KmsDataKeyReusePeriodSeconds" => {
            return Err(error::unsupported(format!(
                "The attribute {name} is not served here."
            )));
        }
        _ => return Err(error::unknown_attribute(name)),
    };
    let removed = value.is_empty() && name != "SqsManagedSseEnabled";
    if valid || removed {
        return Ok(());
    }
    Err(error::invalid_attribute(
        name,
        "it is not what the attribute may be.",
    ))
}
