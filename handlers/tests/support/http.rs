//! Requests as any client would send them.

use ::http::Response;
use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;

/// Sends a request as any client would, unsigned but for what the address holds.
pub(crate) async fn http(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: impl Into<SdkBody>,
) -> Response<Vec<u8>> {
    let answer = try_http(method, url, headers, body).await;
    answer.expect("an answer")
}

/// The same; `None`: the connection broke off.
pub(crate) async fn try_http(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: impl Into<SdkBody>,
) -> Option<Response<Vec<u8>>> {
    let mut request = HttpRequest::new(body.into());
    request.set_method(method).expect("a method");
    request.set_uri(url.to_owned()).expect("an address");
    // The length is the body's, as every HTTP library has it.
    for (name, value) in headers.iter().filter(|(name, _)| name != "content-length") {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    let sent = Connector::builder().build_http().call(request).await;
    let response = sent.ok()?;
    let mut answer = Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    let body = ByteStream::new(response.into_body()).collect().await.ok()?;
    Some(answer.body(body.to_vec()).expect("an answer"))
}
