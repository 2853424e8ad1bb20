//! The mailbox.

use std::sync::Arc;

use http::{Method, StatusCode};

use crate::http_types::{Response, respond};
use crate::state::State;

pub(crate) const SCHEMA: &str = "";

/// Answers `/_local/mail…`; `place` is what follows `/_local/`.
pub(crate) async fn handle(
    _state: &Arc<State>,
    _method: &Method,
    _place: &str,
    _query: &str,
) -> Response {
    respond(StatusCode::NOT_IMPLEMENTED, "text/plain", "not yet")
}
