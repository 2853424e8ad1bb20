//! The pieces of XML that answers are made of.

use std::collections::BTreeMap;

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

/// Escapes text for XML. Characters that XML 1.0 cannot hold are replaced, so that the answer
/// always parses.
pub(crate) fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            c if c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}
