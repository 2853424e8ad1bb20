//! The pieces of XML that answers are made of.

use std::collections::BTreeMap;

use crate::error::escape_xml;

/// `<name>text</name>`, escaped.
pub(crate) fn text(name: &str, text: &str) -> String {
    element(name, &escape_xml(text))
}

/// `<name>inner</name>`, where `inner` is XML already.
pub(crate) fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// A list, each item in a `<member>`.
pub(crate) fn list(name: &str, items: impl IntoIterator<Item = String>) -> String {
    let members: String = items
        .into_iter()
        .map(|item| element("member", &item))
        .collect();
    element(name, &members)
}

/// A map, each pair in an `<entry>`.
pub(crate) fn map(name: &str, pairs: &BTreeMap<String, String>) -> String {
    let entry = |(key, value): (&String, &String)| {
        element("entry", &(text("key", key) + &text("value", value)))
    };
    element(name, &pairs.iter().map(entry).collect::<String>())
}
