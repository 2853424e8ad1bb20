//! The errors of SNS, worded as AWS words them.

use http::StatusCode;

use crate::error::ServiceError;

/// `Invalid parameter: <what>`.
pub(super) fn invalid(what: impl std::fmt::Display) -> ServiceError {
    ServiceError::bad_request("InvalidParameter", format!("Invalid parameter: {what}"))
}

pub(super) fn not_served(what: impl std::fmt::Display) -> ServiceError {
    invalid(format!("{what} is not served by this local AWS"))
}

pub(super) fn no_topic() -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "NotFound", "Topic does not exist")
}

pub(super) fn no_subscription() -> ServiceError {
    ServiceError::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        "Subscription does not exist",
    )
}
