//! A message on its way in: attribute checks, size, and the MD5 digests that SDKs verify.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::error;
use crate::error::ServiceError;

/// One message attribute, as the JSON protocol carries it (a binary value in base64).
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MessageAttribute {
    pub(crate) data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
    /// Reserved by AWS, and refused as there.
    #[serde(default, skip_serializing)]
    pub(crate) string_list_values: Vec<String>,
    #[serde(default, skip_serializing)]
    pub(crate) binary_list_values: Vec<String>,
}

/// Message attributes by name, in the order that their digest wants.
pub(crate) type MessageAttributes = BTreeMap<String, MessageAttribute>;

impl MessageAttribute {
    /// The value's bytes, and the digest's mark of how they were carried.
    fn value(&self) -> (u8, Vec<u8>) {
        match (&self.string_value, &self.binary_value) {
            (Some(text), _) => (1, text.clone().into_bytes()),
            (None, Some(base64)) => (2, BASE64_STANDARD.decode(base64).unwrap_or_default()),
            (None, None) => (1, Vec::new()),
        }
    }

    fn check(&self, name: &str) -> Result<(), ServiceError> {
        if !self.string_list_values.is_empty() || !self.binary_list_values.is_empty() {
            return Err(error::invalid_parameter(format!(
                "The message attribute '{name}' has a list value, which is not implemented."
            )));
        }
        let kind = self.data_type.split('.').next().unwrap_or_default();
        let text = self.string_value.as_deref().filter(|text| !text.is_empty());
        let filled = match kind {
            "String" | "Number" => text.is_some() && self.binary_value.is_none(),
            "Binary" => {
                let bytes = self
                    .binary_value
                    .as_ref()
                    .and_then(|b| BASE64_STANDARD.decode(b).ok());
                bytes.is_some_and(|bytes| !bytes.is_empty()) && self.string_value.is_none()
            }
            _ => {
                return Err(error::invalid_parameter(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set \
                     of supported type prefixes is Binary, Number, and String."
                )));
            }
        };
        if !filled {
            return Err(error::invalid_parameter(format!(
                "The message attribute '{name}' must contain a non-empty value of type '{kind}'."
            )));
        }
        if kind == "Number" && !text.is_some_and(is_number) {
            return Err(error::invalid_parameter(format!(
                "Could not cast message attribute '{name}' value to number."
            )));
        }
        if !text.unwrap_or_default().chars().all(allowed) {
            return Err(error::invalid_contents());
        }
        Ok(())
    }
}

/// Whether AWS takes it for a number: up to 38 digits, between 10^-128 and 10^126 if not 0.
fn is_number(text: &str) -> bool {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let size = text.parse::<f64>().map(f64::abs);
    plain
        && digits.trim_start_matches('0').len() <= 38
        && size.is_ok_and(|size| size == 0.0 || (1e-128..=1e126).contains(&size))
}

/// The number of bytes that count towards the size limits.
pub(crate) fn size(body: &str, attributes: &MessageAttributes) -> i64 {
    let of_attributes: usize = attributes
        .iter()
        .map(|(name, attribute)| name.len() + attribute.data_type.len() + attribute.value().1.len())
        .sum();
    i64::try_from(body.len() + of_attributes).unwrap_or(i64::MAX)
}

/// Checks what AWS checks before it takes a message, except its size.
///
/// # Errors
/// An empty body, characters outside XML 1.0's, more than ten attributes, or a wrong attribute.
pub(crate) fn check(body: &str, attributes: &MessageAttributes) -> Result<(), ServiceError> {
    if body.is_empty() {
        return Err(error::missing("MessageBody"));
    }
    if !body.chars().all(allowed) {
        return Err(error::invalid_contents());
    }
    if attributes.len() > 10 {
        return Err(error::invalid_parameter(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            attributes.len()
        )));
    }
    check_attributes(attributes)
}

/// Checks the names, types and values of attributes.
///
/// # Errors
/// The first that AWS would refuse.
pub(crate) fn check_attributes(attributes: &MessageAttributes) -> Result<(), ServiceError> {
    for (name, attribute) in attributes {
        check_name(name)?;
        attribute.check(name)?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let lower = name.to_ascii_lowercase();
    let reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    let letters = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if name.is_empty() || name.len() > 256 || reserved || dots || !letters {
        return Err(error::invalid_parameter(format!(
            "Invalid message attribute name '{name}'."
        )));
    }
    Ok(())
}

fn allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..)
}

/// `MD5OfMessageBody`.
pub(crate) fn md5_of_body(body: &str) -> String {
    hex(Md5::digest(body))
}

/// `MD5OfMessageAttributes`, by the algorithm of the developer guide ("Calculating the MD5 message
/// digest for message attributes"); nothing where there are none.
pub(super) fn md5_of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        let (mark, value) = attribute.value();
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute.data_type.as_bytes());
        digest.update([mark]);
        part(&mut digest, &value);
    }
    Some(hex(digest.finalize()))
}

fn part(digest: &mut Md5, bytes: &[u8]) {
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

fn hex(md5: impl Into<[u8; 16]>) -> String {
    format!("{:032x}", u128::from_be_bytes(md5.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attributes(value: serde_json::Value) -> MessageAttributes {
        serde_json::from_value(value).expect("attributes")
    }

    #[test]
    fn digests_are_those_that_sdks_compute() {
        assert_eq!(md5_of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
        let given = attributes(json!({
            "n": { "DataType": "Number.int", "StringValue": "42" },
            "b": { "DataType": "Binary", "BinaryValue": "AP8=" },
            "a": { "DataType": "String", "StringValue": "olá" },
        }));
        let digest = md5_of_attributes(&given);
        assert_eq!(digest.as_deref(), Some("d0f5bbd5a1afd129cf9b8b93daa72da5"));
        assert_eq!(md5_of_attributes(&MessageAttributes::new()), None);
    }

    #[test]
    fn names_types_and_values_count_towards_the_size() {
        let given = attributes(json!({ "ab": { "DataType": "Binary", "BinaryValue": "AP8=" } }));
        assert_eq!(size("olá", &given), 4 + 2 + 6 + 2);
    }

    #[test]
    fn only_characters_of_xml_pass() {
        for body in ["\u{0}", "\u{b}", "\u{1f}", "a\u{fffe}", "\u{ffff}"] {
            assert!(check(body, &MessageAttributes::new()).is_err(), "{body:?}");
        }
        assert!(
            check(
                "\t\r\n \u{fffd}\u{10000}\u{10ffff}",
                &MessageAttributes::new()
            )
            .is_ok()
        );
    }
}
