//! Cross-origin requests from browsers to the JSON services. S3 has rules of its own, by bucket.

use http::{HeaderValue, Method, StatusCode, header};

use crate::http_types::Response;

/// Whether a browser asks what it may do, before it does it.
pub(crate) fn is_preflight<B>(request: &http::Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight on `/`: Cognito and the other JSON services allow every page.
pub(crate) fn allow_all() -> Response {
    let mut response = Response::new(s3s::Body::empty());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization,content-type,x-amz-date,x-amz-target,x-amz-user-agent,\
             x-amz-security-token,x-amz-content-sha256,amz-sdk-invocation-id,amz-sdk-request",
        ),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("172800"),
    );
    response
}

/// Lets a page read an answer.
pub(crate) fn expose_to_all(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,date"),
    );
}
