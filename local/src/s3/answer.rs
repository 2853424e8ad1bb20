//! The last touch on S3's answers: the ids that AWS puts on each, and errors made complete.

use std::fmt::Write as _;

use http::HeaderValue;
use s3s::{Body, S3Error};

use crate::error::escape_xml;
use crate::http_types::Response;

/// Sentences of errors that `s3s` tells without one.
const MESSAGES: [(&str, &str); 8] = [
    (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your \
         key and signing method.",
    ),
    (
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    ),
    ("InvalidBucketName", "The specified bucket is not valid."),
    ("KeyTooLongError", "Your key is too long"),
    ("InvalidURI", "Couldn't parse the specified URI."),
    (
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
    ),
    (
        "InternalError",
        "We encountered an internal error. Please try again.",
    ),
    (
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
    ),
];

/// An error of ours, before the protocol was asked.
pub(super) fn of_error(error: S3Error) -> Response {
    let status = error.status_code().unwrap_or(http::StatusCode::BAD_REQUEST);
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response
    })
}

/// Adds the ids, and to an error what is missing of `Message`, `Resource` and `RequestId`.
pub(super) fn finish(response: &mut Response, resource: &str, request_id: &str) {
    let id: String = request_id
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(16)
        .collect();
    let id = id.to_ascii_uppercase();
    let headers = response.headers_mut();
    for name in ["x-amz-request-id", "x-amz-id-2"] {
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.insert(name, value);
        }
    }
    headers.insert(http::header::SERVER, HeaderValue::from_static("AmazonS3"));
    if response.status().as_u16() < 400 {
        return;
    }
    let Some(body) = response.body_mut().take_bytes() else {
        return;
    };
    let text = String::from_utf8_lossy(&body);
    let completed = complete(&text, resource, &id).into_bytes();
    if completed.len() != body.len() {
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
    }
    *response.body_mut() = Body::from(bytes::Bytes::from(completed));
}

fn complete(error: &str, resource: &str, id: &str) -> String {
    let Some((start, _)) = error.split_once("</Error>") else {
        return error.to_owned();
    };
    let mut completed = start.to_owned();
    if !start.contains("<Message>") {
        let found = MESSAGES
            .iter()
            .find(|(code, _)| start.contains(&format!("<Code>{code}</Code>")));
        if let Some((_, message)) = found {
            let _ = write!(completed, "<Message>{message}</Message>");
        }
    }
    if !start.contains("<Resource>") {
        let _ = write!(completed, "<Resource>{}</Resource>", escape_xml(resource));
    }
    if !start.contains("<RequestId>") {
        let _ = write!(
            completed,
            "<RequestId>{id}</RequestId><HostId>{id}</HostId>"
        );
    }
    completed.push_str("</Error>");
    completed
}
