//! The errors of SQS. Its JSON protocol is "query compatible": each error has a shape name in the
//! body and the older query protocol's code in the `x-amzn-query-error` header, and SDKs report the
//! latter.

use crate::error::ServiceError;

fn error(
    shape: &'static str,
    query_code: &'static str,
    message: impl Into<String>,
) -> ServiceError {
    ServiceError::bad_request(shape, message).with_query_code(query_code)
}

/// The queue is not there.
pub(super) fn no_such_queue() -> ServiceError {
    error(
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist.",
    )
}

pub(super) fn queue_exists(attribute: &str) -> ServiceError {
    error(
        "QueueNameExists",
        "QueueAlreadyExists",
        format!(
            "A queue already exists with the same name and a different value for attribute {attribute}"
        ),
    )
}

/// `Value <value> for parameter <name> is invalid. Reason: <reason>`, as AWS words it.
pub(super) fn invalid_value(
    name: &str,
    value: impl std::fmt::Display,
    reason: impl std::fmt::Display,
) -> ServiceError {
    invalid_parameter(format!(
        "Value {value} for parameter {name} is invalid. Reason: {reason}"
    ))
}

pub(super) fn invalid_parameter(message: impl Into<String>) -> ServiceError {
    error(
        "InvalidParameterValueException",
        "InvalidParameterValue",
        message,
    )
}

pub(super) fn missing(name: &str) -> ServiceError {
    error(
        "MissingRequiredParameterException",
        "MissingParameter",
        format!("The request must contain the parameter {name}."),
    )
}

pub(super) fn unknown_attribute(name: &str) -> ServiceError {
    error(
        "InvalidAttributeName",
        "InvalidAttributeName",
        format!("Unknown Attribute {name}."),
    )
}

pub(super) fn invalid_attribute(name: &str, reason: impl std::fmt::Display) -> ServiceError {
    error(
        "InvalidAttributeValue",
        "InvalidAttributeValue",
        format!("Invalid value for the parameter {name}. Reason: {reason}"),
    )
}

pub(super) fn invalid_contents() -> ServiceError {
    error(
        "InvalidMessageContents",
        "InvalidMessageContents",
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
         #xE000 to #xFFFD | #x10000 to #x10FFFF",
    )
}

pub(super) fn invalid_receipt(handle: &str) -> ServiceError {
    error(
        "ReceiptHandleIsInvalid",
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

pub(super) fn not_in_flight() -> ServiceError {
    error(
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "The specified message isn't in flight.",
    )
}

/// Only a short poll is told; a long poll comes back empty.
pub(super) fn over_limit() -> ServiceError {
    error(
        "OverLimit",
        "OverLimit",
        "The maximum number of in flight messages is reached: 120,000 in a standard queue.",
    )
}

pub(super) fn purge_in_progress(queue: &str) -> ServiceError {
    error(
        "PurgeQueueInProgress",
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        format!("Only one PurgeQueue operation on {queue} is allowed every 60 seconds."),
    )
}

pub(super) fn unsupported(message: impl Into<String>) -> ServiceError {
    error(
        "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation",
        message,
    )
}

pub(super) fn no_such_resource(message: impl Into<String>) -> ServiceError {
    error(
        "ResourceNotFoundException",
        "ResourceNotFoundException",
        message,
    )
}

pub(super) fn empty_batch(entry: &str) -> ServiceError {
    error(
        "EmptyBatchRequest",
        "AWS.SimpleQueueService.EmptyBatchRequest",
        format!("There should be at least one {entry} in the request."),
    )
}

pub(super) fn too_many_entries(count: usize) -> ServiceError {
    error(
        "TooManyEntriesInBatchRequest",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        format!("Maximum number of entries per request are 10. You have sent {count}."),
    )
}

pub(super) fn invalid_batch_id() -> ServiceError {
    error(
        "InvalidBatchEntryId",
        "AWS.SimpleQueueService.InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can \
         be at most 80 letters long.",
    )
}

pub(super) fn repeated_batch_id(id: &str) -> ServiceError {
    error(
        "BatchEntryIdsNotDistinct",
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        format!("Id {id} repeated."),
    )
}

pub(super) fn batch_too_long(limit: i64, sent: i64) -> ServiceError {
    error(
        "BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong",
        format!("Batch requests cannot be longer than {limit} bytes. You have sent {sent} bytes."),
    )
}
