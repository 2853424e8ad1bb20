//! SES version 2.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use crate::error::ServiceError;
use crate::state::State;

/// The operation's name, from its method and path.
pub(crate) fn operation(method: &Method, path: &str) -> String {
    match (method, path) {
        (&Method::POST, "/v2/email/outbound-emails") => "SendEmail".to_owned(),
        _ => format!("{method} {path}"),
    }
}

/// Runs an operation.
pub(crate) async fn handle(
    _state: &Arc<State>,
    operation: &str,
    _input: &Value,
) -> Result<Value, ServiceError> {
    Err(ServiceError::unknown_operation("ses", operation))
}
