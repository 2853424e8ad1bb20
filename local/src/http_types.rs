//! The shapes in which requests and answers travel between the server and the services.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

/// An answer; `s3s::Body` is either bytes or a stream.
pub(crate) type Response = http::Response<s3s::Body>;

/// A request as it came from the connection.
pub(crate) type Request = http::Request<hyper::body::Incoming>;

/// An answer made of a content type and bytes.
pub(crate) fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response {
    let mut response = Response::new(s3s::Body::from(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
