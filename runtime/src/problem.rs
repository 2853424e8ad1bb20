//! Errors over HTTP: RFC 9457 `application/problem+json`. Nothing internal leaks.

use aws_lambda_events::encodings::Body;
use http::{StatusCode, header};
use serde_json::json;

use crate::{Error, Response};

/// Where kinds of problems are told of, as every `type` begins: an address on the server that answers.
pub const TYPES: &str = "/problems#";

/// A field of the body, the form or the query is not as it must be.
pub const INVALID_FIELD: &str = "invalid-field";
/// A field that must be there is not.
pub const MISSING_FIELD: &str = "missing-field";
/// There is no such field or parameter here.
pub const UNKNOWN_FIELD: &str = "unknown-field";
/// The body cannot be read as what it must be.
pub const MALFORMED_BODY: &str = "malformed-body";
/// There is no token.
pub const TOKEN_MISSING: &str = "token-missing";
/// There is no such path.
pub const NO_SUCH_PATH: &str = "no-such-path";

/// The kind of a problem of which nothing is known but its status.
#[must_use]
pub const fn kind_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "bad-request",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        StatusCode::REQUEST_TIMEOUT => "request-timeout",
        StatusCode::CONFLICT => "conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported-media-type",
        StatusCode::UNPROCESSABLE_ENTITY => "unprocessable",
        StatusCode::TOO_MANY_REQUESTS => "too-many-requests",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        StatusCode::GATEWAY_TIMEOUT => "took-too-long",
        StatusCode::INTERNAL_SERVER_ERROR => "internal-error",
        _ => "error",
    }
}

/// The answer that tells a client of `error`, with the request's id to ask the operator by.
#[must_use]
pub fn response(error: &Error, request_id: &str) -> Response {
    match error {
        Error::Rejected {
            status,
            kind,
            detail,
            field,
        } => write(*status, kind, detail, field.as_deref(), request_id),
        Error::Transient(_) | Error::Operational(_) => {
            let detail = "a part of the system cannot be reached just now; try again in a moment";
            let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail, request_id);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            response
        }
        Error::Permanent(_) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "something went wrong here; tell the operator this request's id",
            request_id,
        ),
    }
}

/// A problem document with this status and detail; its kind is the status's own.
#[must_use]
pub fn problem(status: StatusCode, detail: &str, request_id: &str) -> Response {
    write(status, kind_of(status), detail, None, request_id)
}

/// A problem document.
fn write(
    status: StatusCode,
    kind: &str,
    detail: &str,
    field: Option<&str>,
    request_id: &str,
) -> Response {
    let mut body = json!({
        "type": format!("{TYPES}{kind}"),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        "request_id": request_id,
    });
    if let Some(field) = field {
        body["field"] = field.into();
    }
    let mut response = Response::new(Body::Text(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/problem+json"),
    );
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6750, section 3: a protected resource says how to authenticate.
        headers.insert(
            header::WWW_AUTHENTICATE,
            header::HeaderValue::from_static("Bearer"),
        );
    }
    seal(&mut response, request_id);
    response
}

/// Gives an answer what every answer carries: the request's id, and, unless it says otherwise,
/// that no cache on the way may keep what belongs to one user.
pub fn seal(response: &mut Response, request_id: &str) {
    let headers = response.headers_mut();
    if let Ok(id) = header::HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(header::HeaderValue::from_static("no-store"));
}
