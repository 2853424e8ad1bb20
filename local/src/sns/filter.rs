//! Filter policies: which messages a subscription wants, by their attributes or by their body.
//!
//! Both are matched as one JSON object against the policy, after "Amazon SNS subscription filter
//! policies" in the developer guide: every key of the policy must match, by any of its conditions.

mod condition;

use serde_json::{Map, Value};

use crate::sqs::MessageAttributes;
use condition::Condition;

/// What a policy looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Attributes,
    Body,
}

/// A policy, ready to be matched.
#[derive(Debug)]
pub(super) struct Filter {
    scope: Scope,
    policy: Policy,
}

#[derive(Debug, Default)]
struct Policy {
    fields: Vec<(String, Rule)>,
    /// Each `$or`: one of its policies must match.
    alternatives: Vec<Vec<Policy>>,
}

#[derive(Debug)]
enum Rule {
    Conditions(Vec<Condition>),
    Nested(Policy),
}

const MOST_KEYS: usize = 5;
const MOST_COMBINATIONS: usize = 150;

impl Filter {
    /// Reads a policy.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub(super) fn parse(text: &str, scope: Scope) -> Result<Self, String> {
        let object: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("failed to parse JSON. {error}"))?;
        if object.len() > MOST_KEYS {
            return Err(format!(
                "Filter policy can not have more than {MOST_KEYS} keys"
            ));
        }
        let policy = Policy::parse(&object, scope)?;
        if policy.combinations(1) > MOST_COMBINATIONS {
            return Err("Filter policy is too complex".to_owned());
        }
        Ok(Self { scope, policy })
    }

    pub(super) fn takes(&self, body: &str, attributes: &MessageAttributes) -> bool {
        let subject = match self.scope {
            Scope::Attributes => as_object(attributes),
            Scope::Body => match serde_json::from_str(body) {
                Ok(Value::Object(object)) => object,
                _ => return false,
            },
        };
        // `{"exists": false}` wants something to be there that lacks the key.
        !subject.is_empty() && self.policy.takes(&subject)
    }
}

/// Attributes with the types that conditions compare; binary ones are ignored, as in AWS.
fn as_object(attributes: &MessageAttributes) -> Map<String, Value> {
    let typed = attributes.iter().filter_map(|(name, attribute)| {
        let text = attribute.string_value.as_deref()?;
        let value = match attribute.data_type.as_str() {
            "Number" => Value::from(text.parse::<f64>().ok()?),
            "String.Array" => match serde_json::from_str(text) {
                Ok(array @ Value::Array(_)) => array,
                _ => Value::from(text),
            },
            _ => Value::from(text),
        };
        Some((name.clone(), value))
    });
    typed.collect()
}

impl Policy {
    fn parse(object: &Map<String, Value>, scope: Scope) -> Result<Self, String> {
        let mut policy = Self::default();
        for (key, value) in object {
            match value {
                Value::Array(items) if key == "$or" && is_alternatives(items) => {
                    let parse =
                        |item: &Value| Self::parse(item.as_object().unwrap_or(&Map::new()), scope);
                    policy
                        .alternatives
                        .push(items.iter().map(parse).collect::<Result<_, _>>()?);
                }
                Value::Array(items) if items.is_empty() => {
                    return Err("Empty arrays are not allowed".to_owned());
                }
                Value::Array(items) => {
                    let conditions = items
                        .iter()
                        .map(Condition::parse)
                        .collect::<Result<_, _>>()?;
                    policy
                        .fields
                        .push((key.clone(), Rule::Conditions(conditions)));
                }
                Value::Object(_) if scope == Scope::Attributes => {
                    return Err(
                        "Filter policy scope MessageAttributes does not support nested filter policy"
                            .to_owned(),
                    );
                }
                Value::Object(nested) => {
                    let nested = Self::parse(nested, scope)?;
                    policy.fields.push((key.clone(), Rule::Nested(nested)));
                }
                _ => return Err(format!("\"{key}\" must be an object or an array")),
            }
        }
        Ok(policy)
    }

    fn takes(&self, subject: &Map<String, Value>) -> bool {
        let field = |(key, rule): &(String, Rule)| rule.takes(subject.get(key));
        let any = |policies: &Vec<Self>| policies.iter().any(|policy| policy.takes(subject));
        self.fields.iter().all(field) && self.alternatives.iter().all(any)
    }

    /// The product of the numbers of values, each times its depth, as AWS counts complexity.
    fn combinations(&self, depth: usize) -> usize {
        let fields = self.fields.iter().map(|(_, rule)| match rule {
            Rule::Conditions(conditions) => conditions.len().saturating_mul(depth),
            Rule::Nested(policy) => policy.combinations(depth + 1),
        });
        let alternatives = self.alternatives.iter().map(|policies| {
            policies
                .iter()
                .map(|policy| policy.combinations(depth))
                .fold(0, usize::saturating_add)
        });
        fields.chain(alternatives).fold(1, usize::saturating_mul)
    }
}

/// `$or` is an ordinary key unless it lists at least two policies.
fn is_alternatives(items: &[Value]) -> bool {
    let policy = |item: &Value| {
        item.as_object()
            .is_some_and(|object| !object.keys().any(|key| condition::is_operator(key)))
    };
    items.len() >= 2 && items.iter().all(policy)
}

impl Rule {
    fn takes(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Conditions(conditions) => {
                conditions.iter().any(|condition| condition.takes(value))
            }
            Self::Nested(policy) => match value {
                Some(Value::Object(object)) => policy.takes(object),
                Some(Value::Array(items)) => items
                    .iter()
                    .any(|item| item.as_object().is_some_and(|o| policy.takes(o))),
                Some(_) => false,
                None => policy.takes(&Map::new()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
