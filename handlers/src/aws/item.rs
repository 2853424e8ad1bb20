//! A JSON object as a `DynamoDB` item and back: strings, numbers, bools, lists and maps under
//! their own names, so that a person can read the table.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fotograma_core::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

/// An item's attributes by name.
pub(super) type Item = HashMap<String, AttributeValue>;

/// What serde makes of `value`, as an item.
pub(super) fn to_item<T: Serialize>(value: &T) -> Result<Item> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => Ok(object
            .into_iter()
            .map(|(name, value)| (name, to_attribute(value)))
            .collect()),
        Ok(_) => Err(Error::operational(
            "only an object can be an item".to_owned(),
        )),
        Err(error) => Err(Error::operational(format!("cannot be an item: {error}"))),
    }
}

/// The value that an item stands for; attributes that it does not know are left aside.
pub(super) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T> {
    let object: Result<Map<_, _>> = item
        .into_iter()
        .map(|(name, value)| Ok((name, from_attribute(value)?)))
        .collect();
    serde_json::from_value(Value::Object(object?))
        .map_err(|error| Error::operational(format!("the item cannot be read: {error}")))
}

fn to_attribute(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(bool) => AttributeValue::Bool(bool),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(list) => AttributeValue::L(list.into_iter().map(to_attribute).collect()),
        Value::Object(map) => AttributeValue::M(
            map.into_iter()
                .map(|(name, value)| (name, to_attribute(value)))
                .collect(),
        ),
    }
}

fn from_attribute(value: AttributeValue) -> Result<Value> {
    Ok(match value {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(bool) => Value::Bool(bool),
        AttributeValue::N(number) => Value::Number(
            number
                .parse::<Number>()
                .map_err(|_| Error::operational(format!("the item's number {number} is none")))?,
        ),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::Ss(set) => Value::from(set),
        AttributeValue::L(list) => Value::Array(
            list.into_iter()
                .map(from_attribute)
                .collect::<Result<_>>()?,
        ),
        AttributeValue::M(map) => Value::Object(
            map.into_iter()
                .map(|(name, value)| Ok((name, from_attribute(value)?)))
                .collect::<Result<_>>()?,
        ),
        other => {
            return Err(Error::operational(format!(
                "the item holds what no record has: {other:?}"
            )));
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_gives_back_what_it_was_made_from() {
        let value = json!({
            "text": "ü", "none": null, "yes": true, "small": -1, "large": u64::MAX,
            "list": ["a", 1, []], "map": { "inner": { "deep": "x" } }, "empty": "",
        });
        let item = to_item(&value).expect("an item");
        assert_eq!(
            item["large"],
            AttributeValue::N("18446744073709551615".to_owned())
        );
        assert_eq!(item["yes"], AttributeValue::Bool(true));
        assert!(item["map"].is_m());
        assert_eq!(from_item::<Value>(item).expect("the value"), value);
    }

    #[test]
    fn what_cannot_be_an_item_or_a_record_is_refused() {
        assert!(to_item(&json!(["a"])).is_err());
        for strange in [
            AttributeValue::N("x".to_owned()),
            AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new([1])),
        ] {
            let item = HashMap::from([("a".to_owned(), strange)]);
            assert!(matches!(
                from_item::<Value>(item),
                Err(Error::Operational(_))
            ));
        }
    }
}
