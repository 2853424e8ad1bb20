//! What SNS's requests have in common.

use super::error;
use crate::error::ServiceError;
use crate::form::Form;
use crate::sqs::{MessageAttribute, MessageAttributes};

impl Form {
    pub(super) fn required(&self, name: &str) -> Result<&str, ServiceError> {
        let value = self.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            error::invalid(format!("{name} Reason: no value for required parameter"))
        })
    }

    pub(super) fn message_attributes(&self) -> Result<MessageAttributes, ServiceError> {
        let entries = self
            .list("MessageAttributes.entry")
            .into_iter()
            .map(|entry| {
                let attribute = MessageAttribute {
                    data_type: entry.get("Value.DataType").unwrap_or_default().to_owned(),
                    string_value: entry.get("Value.StringValue").map(str::to_owned),
                    binary_value: entry.get("Value.BinaryValue").map(str::to_owned),
                    ..MessageAttribute::default()
                };
                Ok((entry.required("Name")?.to_owned(), attribute))
            });
        entries.collect()
    }
}
