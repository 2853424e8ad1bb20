//! SNS.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::ServiceError;
use crate::state::State;

pub(crate) const SCHEMA: &str = "";

/// The namespace of its answers.
pub(crate) const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// Who waits for deliveries.
#[derive(Default)]
pub(crate) struct Waiters {}

/// Starts the loops in the background.
pub(crate) fn start(_state: &Arc<State>) {}

/// Runs an operation; the result is the inside of `<…Result>`.
pub(crate) async fn handle(
    _state: &Arc<State>,
    operation: &str,
    _form: &BTreeMap<String, String>,
) -> Result<String, ServiceError> {
    Err(ServiceError::unknown_operation("sns", operation))
}

/// The subscription's ARN.
pub(crate) async fn confirm_by_link(
    _state: &Arc<State>,
    _query: &BTreeMap<String, String>,
) -> Result<String, ServiceError> {
    Err(ServiceError::unknown_operation("sns", "ConfirmSubscription"))
}
