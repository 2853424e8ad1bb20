//! The older query protocol, which `aws` before 2.13 (Debian's) and SDKs of before 2024 speak: a
//! form turned into the JSON protocol's request, and its reply into XML.
//!
//! Source: the API model of 2012-11-05 as botocore 1.31 has it.

use serde_json::{Map, Value, json};

use crate::form::Form;
use crate::xml;

/// Lists of texts: the form's name and JSON's.
const LISTS: [(&str, &str); 3] = [
    ("AttributeName", "AttributeNames"),
    ("MessageAttributeName", "MessageAttributeNames"),
    ("MessageSystemAttributeName", "MessageSystemAttributeNames"),
];

/// Maps of texts: the form's name, what it calls key and value, and JSON's name.
const MAPS: [(&str, &str, &str, &str); 2] = [
    ("Attribute", "Name", "Value", "Attributes"),
    ("Tag", "Key", "Value", "Tags"),
];

/// Message attributes: the form's name and JSON's.
const ATTRIBUTES: [(&str, &str); 2] = [
    ("MessageAttribute", "MessageAttributes"),
    ("MessageSystemAttribute", "MessageSystemAttributes"),
];

const NUMBERS: [&str; 6] = [
    "DelaySeconds",
    "MaxNumberOfMessages",
    "MaxNumberOfMessagesPerSecond",
    "MaxResults",
    "VisibilityTimeout",
    "WaitTimeSeconds",
];

/// The JSON protocol's request for `operation`; `url` is where the form was sent, which is the
/// queue's address where the form names none.
pub(super) fn to_json(operation: &str, form: &Form, url: &str) -> Value {
    let mut request = fields(form);
    let entries = form.list(&format!("{operation}RequestEntry"));
    if !entries.is_empty() {
        let entries = entries.iter().map(|entry| Value::Object(fields(entry)));
        request.insert("Entries".into(), entries.collect());
    }
    // CreateQueue's tags are the one member in lower case.
    if operation == "CreateQueue"
        && let Some(tags) = request.remove("Tags")
    {
        request.insert("tags".into(), tags);
    }
    request.entry("QueueUrl").or_insert_with(|| json!(url));
    Value::Object(request)
}

fn fields(form: &Form) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, text) in form.0.iter().filter(|(name, _)| !name.contains('.')) {
        let number = NUMBERS
            .contains(&name.as_str())
            .then(|| text.parse::<i64>());
        let value = match number {
            Some(Ok(number)) => json!(number),
            _ => json!(text),
        };
        fields.insert(name.clone(), value);
    }
    for (wire, name) in LISTS {
        let values = form.values(wire);
        if !values.is_empty() {
            fields.insert(name.into(), json!(values));
        }
    }
    for (wire, key, value, name) in MAPS {
        let pairs = form.map(wire, key, value);
        if !pairs.is_empty() {
            fields.insert(name.into(), json!(pairs));
        }
    }
    for (wire, name) in ATTRIBUTES {
        let entries = form.list(wire).into_iter();
        let attributes: Map<_, _> = entries
            .filter_map(|entry| Some((entry.get("Name")?.to_owned(), attribute(&entry))))
            .collect();
        if !attributes.is_empty() {
            fields.insert(name.into(), Value::Object(attributes));
        }
    }
    fields
}

/// Whatever is below `Value.`, unread here: what is no member is refused where it is read.
fn attribute(entry: &Form) -> Value {
    let below = entry.0.iter().filter_map(|(name, text)| {
        let member = name.strip_prefix("Value.")?;
        Some((member.to_owned(), json!(text)))
    });
    Value::Object(below.collect())
}

/// The JSON protocol's reply to `operation` as XML.
pub(super) fn to_xml(operation: &str, reply: &Value) -> String {
    let members = reply.as_object().into_iter().flatten();
    members
        .map(|(name, value)| member(operation, name, value))
        .collect()
}

fn member(operation: &str, name: &str, value: &Value) -> String {
    let entry = format!("{operation}ResultEntry");
    let items = match name {
        "QueueUrls" => "QueueUrl",
        "Messages" => "Message",
        "Successful" | "Results" => &entry,
        "Failed" => "BatchResultErrorEntry",
        "Attributes" => return pairs("Attribute", "Name", value),
        "MessageAttributes" => return pairs("MessageAttribute", "Name", value),
        _ => name,
    };
    let element = |item: &Value| match item {
        Value::Object(_) => xml::element(items, &to_xml(operation, item)),
        Value::String(text) => xml::text(items, text),
        other => xml::text(items, &other.to_string()),
    };
    match value {
        Value::Array(list) => list.iter().map(element).collect(),
        one => element(one),
    }
}

/// A flattened map, whose values are texts or message attributes.
fn pairs(name: &str, key: &str, map: &Value) -> String {
    let pair = |(of, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => xml::text("Value", text),
            object => xml::element("Value", &to_xml("", object)),
        };
        xml::element(name, &(xml::text(key, of) + &value))
    };
    map.as_object().into_iter().flatten().map(pair).collect()
}
