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
//!
//! What changes something takes JSON only, and nothing from pages of other origins.

use std::time::Duration;

use http::{Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::ServiceError;
use crate::faults::Fault;
use crate::http_types::{Request, Response, respond};
use crate::{browsers, mail};

const MAX_BODY: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u64,
}

/// Answers a request under `/_local/`.
pub(crate) async fn answer(context: &Context, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let place = path.trim_start_matches("/_local/");
    if let Err(refusal) = check_caller(&request) {
        return refusal.into_json("application/json", "-");
    }
    if place.starts_with("mail") {
        let query = request.uri().query().unwrap_or_default().to_owned();
        return mail::answer(context, request.method(), place, &query).await;
    }
    let method = request.method().clone();
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let result = match body {
        Ok(body) => act(context, &method, place, &body.to_bytes()),
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

fn check_caller(request: &Request) -> Result<(), ServiceError> {
    let method = request.method();
    if method == Method::GET {
        return Ok(());
    }
    if browsers::is_cross_origin(request.headers()) {
        return Err(browsers::refuse_origin());
    }
    // A page may send forms and plain text to any address without asking first, but not JSON.
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_json = content_type.is_some_and(|text| text.as_bytes().starts_with(b"application/json"));
    if method == Method::POST && !is_json {
        return Err(ServiceError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            "Send JSON, and say so: Content-Type: application/json",
        ));
    }
    Ok(())
}

fn act(
    context: &Context,
    method: &Method,
    place: &str,
    body: &[u8],
) -> Result<Value, ServiceError> {
    match (place, method) {
        ("health", &Method::GET) => Ok(json!({"status": "ok"})),
        ("clock", &Method::GET) => Ok(clock(context)),
        ("clock", &Method::POST) => {
            let Advance { advance_ms } = serde_json::from_slice(body)?;
            context.clock.advance(Duration::from_millis(advance_ms));
            Ok(clock(context))
        }
        ("clock", &Method::DELETE) => {
            context.clock.reset();
            Ok(clock(context))
        }
        ("faults", &Method::GET) => Ok(json!(context.faults.list())),
        ("faults", &Method::POST) => {
            let fault: Fault = serde_json::from_slice(body)?;
            context.faults.add(fault);
            Ok(json!(context.faults.list()))
        }
        ("faults", &Method::DELETE) => {
            context.faults.clear();
            Ok(json!([]))
        }
        _ => Err(ServiceError::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            format!("There is no {method} /_local/{place}."),
        )),
    }
}

fn clock(context: &Context) -> Value {
    json!({"now_ms": context.clock.now_ms(), "offset_ms": context.clock.offset_ms()})
}
