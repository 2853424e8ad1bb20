//! Cognito user pools.

use std::sync::Arc;

use serde_json::Value;

use crate::error::ServiceError;
use crate::state::State;

pub(crate) const SCHEMA: &str = "";

/// Starts the loops in the background.
pub(crate) fn start(_state: &Arc<State>) {}

/// Whether AWS takes the operation without a signature: those that a user's own browser calls.
pub(crate) fn is_public(operation: &str) -> bool {
    matches!(
        operation,
        "AssociateSoftwareToken"
            | "ChangePassword"
            | "ConfirmForgotPassword"
            | "ConfirmSignUp"
            | "DeleteUser"
            | "ForgotPassword"
            | "GetUser"
            | "GlobalSignOut"
            | "InitiateAuth"
            | "ResendConfirmationCode"
            | "RespondToAuthChallenge"
            | "RevokeToken"
            | "SignUp"
            | "UpdateUserAttributes"
    )
}

/// Answers `/{pool}/.well-known/…`.
pub(crate) async fn well_known(_state: &Arc<State>, path: &str) -> Result<Value, ServiceError> {
    Err(ServiceError::unknown_operation("cognito-idp", path))
}

/// Runs an operation.
pub(crate) async fn handle(
    _state: &Arc<State>,
    operation: &str,
    _input: &Value,
) -> Result<Value, ServiceError> {
    Err(ServiceError::unknown_operation("cognito-idp", operation))
}
