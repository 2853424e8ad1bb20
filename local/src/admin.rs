//! `/_local/…`: what a test or a person may do to the local AWS itself, unsigned.
//!
//! | path | method | does |
//! |---|---|---|
//! | `health` | GET | answers once requests are served |
//! | `clock` | GET | `{"now_ms", "offset_ms"}` |
//! | `clock` | POST | `{"advance_ms": n}` moves it forward |
//! | `clock` | DELETE | back to the system's time |
//! | `faults` | GET, POST, DELETE | lists, adds one (see [`crate::Fault`]), clears |
//! | `mail`, `mailbox` | | see [`crate::mail`] |

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Fault;
use crate::error::ServiceError;
use crate::http_types::{Request, Response, respond};
use crate::mail;
use crate::state::State;

const BODY_LIMIT: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u64,
}

/// Answers a request under `/_local/`.
pub(crate) async fn handle(state: &Arc<State>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let place = path.trim_start_matches("/_local/");
    if place.starts_with("mail") {
        let query = request.uri().query().unwrap_or_default().to_owned();
        return mail::handle(state, request.method(), place, &query).await;
    }
    let method = request.method().clone();
    let body = Limited::new(request.into_body(), BODY_LIMIT)
        .collect()
        .await;
    let result = match body {
        Ok(body) => act(state, &method, place, &body.to_bytes()),
        Err(error) => Err(ServiceError::bad_request(
            "InvalidRequest",
            error.to_string(),
        )),
    };
    match result {
        Ok(value) => respond(StatusCode::OK, "application/json", value.to_string()),
        Err(error) => error.into_json("application/json", "-"),
    }
}

fn act(state: &State, method: &Method, place: &str, body: &[u8]) -> Result<Value, ServiceError> {
    match (place, method) {
        ("health", &Method::GET) => Ok(json!({"status": "ok"})),
        ("clock", &Method::GET) => Ok(clock(state)),
        ("clock", &Method::POST) => {
            let Advance { advance_ms } = serde_json::from_slice(body)?;
            state.clock.advance(Duration::from_millis(advance_ms));
            Ok(clock(state))
        }
        ("clock", &Method::DELETE) => {
            state.clock.reset();
            Ok(clock(state))
        }
        ("faults", &Method::GET) => Ok(json!(state.faults.list())),
        ("faults", &Method::POST) => {
            let fault: Fault = serde_json::from_slice(body)?;
            state.faults.add(fault);
            Ok(json!(state.faults.list()))
        }
        ("faults", &Method::DELETE) => {
            state.faults.clear();
            Ok(json!([]))
        }
        _ => Err(ServiceError::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            format!("There is no {method} /_local/{place}."),
        )),
    }
}

fn clock(state: &State) -> Value {
    json!({"now_ms": state.clock.now_ms(), "offset_ms": state.clock.offset_ms()})
}
