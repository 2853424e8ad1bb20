//! Errors over HTTP: RFC 9457 `application/problem+json`. Nothing internal leaks.

use aws_lambda_events::encodings::Body;
use http::{StatusCode, header};
use serde_json::json;

use crate::{Error, Response};

/// The answer that tells a client of `error`, with the request's id to ask the operator by.
#[must_use]
pub fn response(error: &Error, request_id: &str) -> Response {
    match error {
        Error::Rejected { status, detail } => problem(*status, detail, request_id),
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

/// A problem document with this status and detail.
#[must_use]
pub fn problem(status: StatusCode, detail: &str, request_id: &str) -> Response {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        "request_id": request_id,
    });
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
