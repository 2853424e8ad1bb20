//! What a request may set: options that are not served, and lists of known words.

use serde_json::{Map, Value, json};

use super::error;
use crate::error::ServiceError;

/// Refuses options of a request that are set and would change what happens.
pub(super) fn refuse(settings: &Map<String, Value>, names: &[&str]) -> Result<(), ServiceError> {
    let is_set = |name: &&&str| {
        settings.get(**name).is_some_and(|value| {
            !value.is_null() && value != &json!({}) && value != &json!([]) && value != "OFF"
        })
    };
    names
        .iter()
        .find(is_set)
        .map_or(Ok(()), |name| Err(error::not_served(name)))
}

/// Refuses a list whose values are not all of `known`.
pub(super) fn only(
    settings: &Map<String, Value>,
    name: &str,
    known: &[&str],
) -> Result<(), ServiceError> {
    let values = settings.get(name).and_then(Value::as_array);
    let is_known = |value: &&Value| value.as_str().is_some_and(|text| known.contains(&text));
    match values.into_iter().flatten().find(|value| !is_known(value)) {
        None => Ok(()),
        Some(value) => Err(error::invalid_parameter(format!(
            "Value {value} at '{name}' failed to satisfy constraint: Member must satisfy enum value \
             set: {known:?}"
        ))),
    }
}
