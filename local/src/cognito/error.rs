//! The errors that several operations of Cognito share, worded as AWS words them.

use crate::error::ServiceError;

pub(super) fn invalid_parameter(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("InvalidParameterException", message)
}

pub(super) fn not_authorized(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("NotAuthorizedException", message)
}

pub(super) fn user_not_found() -> ServiceError {
    ServiceError::bad_request("UserNotFoundException", "User does not exist.")
}

pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("ResourceNotFoundException", message)
}

/// A wrong name and a wrong password look the same, so that names cannot be guessed.
pub(super) fn wrong_password() -> ServiceError {
    not_authorized("Incorrect username or password.")
}

/// An attribute that the caller's client may not write.
pub(super) fn unauthorized_attribute(name: &str) -> ServiceError {
    not_authorized(format!(
        "A client attempted to write unauthorized attribute: {name}"
    ))
}

/// An option that would change what happens, and that is not served here.
pub(super) fn not_served(name: &str) -> ServiceError {
    invalid_parameter(format!("{name} is not served by this local AWS."))
}
