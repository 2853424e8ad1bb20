//! What a gateway does: a client's request for an event, and a client's answer for a reply.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use crate::invoke::route_path;

/// Headers that are new each time, or are the connection's own business.
const IGNORED: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
    "x-request-id",
];

/// What is not in a path as it is.
const NOT_IN_A_PATH: AsciiSet = CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#');

/// The request that a gateway's event stands for.
///
/// # Panics
/// When it stands for none; the sample is wrong then.
pub(super) fn request_of_event(event: &Value, authorized: bool) -> Request<Full<Bytes>> {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str);
    let method = text("/requestContext/http/method").or_else(|| text("/httpMethod"));
    let path = route_path(event, "").expect("an event with a path");
    let mut uri = if path.decoded {
        // What an HTTP API has decoded was encoded before.
        utf8_percent_encode(&path.path, &NOT_IN_A_PATH).to_string()
    } else {
        path.path
    };
    let query = match text("/rawQueryString") {
        Some(query) => query.to_owned(),
        None => query_of_parameters(&event["queryStringParameters"]),
    };
    if !query.is_empty() {
        uri = format!("{uri}?{query}");
    }
    let mut request = Request::builder()
        .method(method.expect("an event with a method"))
        .uri(uri);
    for (name, value) in event["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let named = |name: &header::HeaderName, request: &http::request::Builder| {
        request
            .headers_ref()
            .is_some_and(|headers| headers.contains_key(name))
    };
    if authorized && !named(&header::AUTHORIZATION, &request) {
        request = request.header(header::AUTHORIZATION, "Bearer token");
    }
    if !named(&header::HOST, &request) {
        request = request.header(header::HOST, "localhost");
    }
    let body = text("/body").unwrap_or_default();
    let body = if event["isBase64Encoded"] == true {
        STANDARD.decode(body).expect("a body in base64")
    } else {
        body.as_bytes().to_vec()
    };
    request.body(Full::from(body)).expect("a request")
}

fn query_of_parameters(parameters: &Value) -> String {
    let pairs = parameters.as_object().into_iter().flatten();
    let pairs = pairs.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join("&")
}

/// What a client sees of an answer, but for what is new each time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// What a client sees of a function's reply.
pub(super) fn seen_of_reply(reply: &Value) -> Seen {
    let mut headers = BTreeMap::new();
    for (name, value) in reply["headers"].as_object().into_iter().flatten() {
        headers.insert(
            name.to_lowercase(),
            value.as_str().unwrap_or_default().to_owned(),
        );
    }
    for (name, values) in reply["multiValueHeaders"].as_object().into_iter().flatten() {
        let values = values.as_array().into_iter().flatten();
        let values: Vec<_> = values.filter_map(Value::as_str).collect();
        headers.insert(name.to_lowercase(), values.join(", "));
    }
    let body = reply["body"].as_str().unwrap_or_default();
    let body = if reply["isBase64Encoded"] == true {
        let body = STANDARD.decode(body).expect("a body in base64");
        String::from_utf8_lossy(&body).into_owned()
    } else {
        body.to_owned()
    };
    seen(&reply["statusCode"].to_string(), headers, &body)
}

/// What a client sees of a server's answer.
pub(super) fn seen_of_answer(status: http::StatusCode, headers: &HeaderMap, body: &[u8]) -> Seen {
    let mut seen_headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let seen = seen_headers.entry(name.as_str().to_owned());
        seen.and_modify(|seen| *seen = format!("{seen}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    seen(
        status.as_str(),
        seen_headers,
        &String::from_utf8_lossy(body),
    )
}

fn seen(status: &str, mut headers: BTreeMap<String, String>, body: &str) -> Seen {
    headers.retain(|name, _| !IGNORED.contains(&name.as_str()));
    let location = headers.get("location").map(|to| format!(" -> {to}"));
    let body = match serde_json::from_str::<Value>(body) {
        Ok(mut json) => {
            // The only part of an answer that is new each time it is asked for by HTTP.
            if let Some(problem) = json.as_object_mut() {
                problem.remove("request_id");
            }
            format!(" {json}")
        }
        Err(_) if body.is_empty() => String::new(),
        Err(_) => format!(" {body}"),
    };
    Seen {
        line: format!("{status}{}{body}", location.unwrap_or_default()),
        headers,
    }
}
