//! The last touch on S3's answers: the ids that AWS puts on each, and errors made complete.

use std::fmt::Write as _;

use http::{HeaderValue, header};
use percent_encoding::percent_decode_str;
use s3s::{Body, S3Error};

use crate::http_types::{Request, Response};
use crate::xml::escape_xml;

/// What errors tell of the request that they answer.
pub(super) struct Asked {
    path: String,
    range: Option<String>,
}

impl Asked {
    pub(super) fn from_request(request: &Request) -> Self {
        let range = request.headers().get(header::RANGE);
        Self {
            path: request.uri().path().to_owned(),
            range: range.and_then(|range| Some(range.to_str().ok()?.to_owned())),
        }
    }

    /// The elements that AWS adds to an error of this code. `total` is the size of the object, of
    /// which an unsatisfiable range is told.
    fn detail(&self, code: &str, total: Option<&str>) -> Vec<(&'static str, String)> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let path = self.path.strip_prefix('/').unwrap_or_default();
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        match (code, &self.range, total) {
            ("NoSuchBucket", ..) => vec![("BucketName", decoded(bucket))],
            ("NoSuchKey", ..) => vec![("Key", decoded(key))],
            ("InvalidRange", Some(range), Some(total)) => vec![
                ("RangeRequested", range.clone()),
                ("ActualObjectSize", total.to_owned()),
            ],
            _ => Vec::new(),
        }
    }
}

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
pub(super) fn from_error(error: S3Error) -> Response {
    let status = error.status_code().unwrap_or(http::StatusCode::BAD_REQUEST);
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response
    })
}

/// Adds the ids, and to an error what is missing of `Message`, `Resource`, `RequestId` and of what
/// AWS tells with its code.
pub(super) fn finish(response: &mut Response, asked: &Asked, request_id: &str) {
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
    headers.insert(header::SERVER, HeaderValue::from_static("AmazonS3"));
    if response.status().as_u16() < 400 {
        return;
    }
    let Some(body) = response.body_mut().take_bytes() else {
        return;
    };
    let text = String::from_utf8_lossy(&body);
    let total = response.headers().get(header::CONTENT_RANGE);
    let total = total.and_then(|range| range.to_str().ok()?.strip_prefix("bytes */"));
    let completed = complete(&text, asked, total, &id).into_bytes();
    if completed.len() != body.len() {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    *response.body_mut() = Body::from(bytes::Bytes::from(completed));
}

fn complete(error: &str, asked: &Asked, total: Option<&str>, id: &str) -> String {
    let Some((start, _)) = error.split_once("</Error>") else {
        return error.to_owned();
    };
    let code = start.split_once("<Code>").unwrap_or_default().1;
    let code = code.split_once("</Code>").unwrap_or_default().0;
    let mut completed = start.to_owned();
    if !start.contains("<Message>")
        && let Some((_, message)) = MESSAGES.iter().find(|(of, _)| *of == code)
    {
        let _ = write!(completed, "<Message>{message}</Message>");
    }
    for (name, value) in asked.detail(code, total) {
        let _ = write!(completed, "<{name}>{}</{name}>", escape_xml(&value));
    }
    if !start.contains("<Resource>") {
        let _ = write!(
            completed,
            "<Resource>{}</Resource>",
            escape_xml(&asked.path)
        );
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
