//! STS: who the caller is. There is one caller.

use crate::error::ServiceError;
use crate::state::State;

/// The namespace of its answers.
pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Runs an operation; the result is the inside of `<…Result>`.
pub(crate) fn handle(state: &State, operation: &str) -> Result<String, ServiceError> {
    if operation != "GetCallerIdentity" {
        return Err(ServiceError::bad_request(
            "InvalidAction",
            format!("Could not find operation {operation} for version 2011-06-15"),
        ));
    }
    let account = &state.config.account;
    Ok(format!(
        "<Arn>arn:aws:iam::{account}:root</Arn><UserId>{account}</UserId>\
         <Account>{account}</Account>"
    ))
}
