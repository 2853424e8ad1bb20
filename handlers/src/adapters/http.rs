//! One HTTP request through the table: the same steps in a pod's server and in Lambda.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use fotograma_core::feature::call::http as call;
use fotograma_core::feature::problem::{problem, response};
use fotograma_core::feature::{
    Access, Caller, Feature, Request, RequestId, Response, Routed, route,
};
use fotograma_core::{Error, Result};
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use lambda_http::{Body, RequestExt};
use tokio::time::Instant;
use tracing::Instrument;

use super::{Host, forms};
use crate::telemetry::trace;

/// The longest body of a request that is no form upload, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// How long a plain body may take to arrive, and a form between two pieces of it.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a handler may take.
const HANDLER_TIME: Duration = Duration::from_secs(30);

/// Answers a request by whichever it is for of the features that `name` stands for.
pub async fn answer<C, B>(host: &Host<C>, name: &str, mut request: http::Request<B>) -> Response
where
    C: Send + Sync + 'static,
    B: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    // A gateway's stage is part of the address, but not of the route.
    let path = match request.raw_http_path() {
        "" => request.uri().path(),
        path => path,
    };
    let method = request.method().clone();
    let routed = route(host.features(name), &method, path);
    let template = match &routed {
        Routed::Found(_, route, _) => route.path,
        Routed::Method(_) | Routed::Nobody => "",
    };
    let span = tracing::info_span!("request", request_id = id, %method, route = template);
    let parent = request.headers().get(trace::TRACEPARENT);
    trace::follow(&span, parent.and_then(|parent| parent.to_str().ok()));
    let began = Instant::now();
    let response = reply(host, routed, request, &id).instrument(span).await;
    metrics::histogram!(
        "http.server.request.duration",
        "http.request.method" => method_label(&method),
        "http.route" => template,
        "http.response.status_code" => response.status().as_u16().to_string(),
    )
    .record(began.elapsed());
    response
}

/// A method that a client made up must not become a label.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

async fn reply<C, B>(
    host: &Host<C>,
    routed: Routed<C>,
    mut request: http::Request<B>,
    id: &str,
) -> Response
where
    C: Send + Sync + 'static,
    B: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    match routed {
        Routed::Found(feature, route, params) => {
            request.extensions_mut().insert(params);
            let request = match prepare(host, feature, request).await {
                Ok(request) => request,
                Err(error) => return response(&error, id),
            };
            let called = call(route, host.context.as_ref(), request);
            let in_time = tokio::time::timeout(HANDLER_TIME, called).await;
            in_time.unwrap_or_else(|_| {
                tracing::error!("a request took too long and was given up");
                let status = StatusCode::GATEWAY_TIMEOUT;
                problem(status, "it took too long; please try again", id)
            })
        }
        Routed::Method(allowed) => {
            let mut answer = problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path has other methods",
                id,
            );
            let allowed: Vec<_> = allowed.iter().map(http::Method::as_str).collect();
            if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
                answer.headers_mut().insert(header::ALLOW, allowed);
            }
            answer
        }
        Routed::Nobody => problem(StatusCode::NOT_FOUND, "there is no such path here", id),
    }
}

/// Finds out who calls, and makes the body a value in memory.
async fn prepare<C: Send + Sync + 'static, B>(
    host: &Host<C>,
    feature: &'static Feature<C>,
    mut request: http::Request<B>,
) -> Result<Request>
where
    B: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let route = feature
        .route()
        .ok_or_else(|| Error::Gone("not a route".to_owned()))?;
    if route.access != Access::Public
        && request.extensions().get::<Caller>().is_none()
        && let Some(token) = bearer(&request)
    {
        let caller = host.authenticate.caller(token).await?;
        request.extensions_mut().insert(caller);
    }
    // Before a body is read: nobody streams gigabytes without a token.
    route.access.check(request.extensions().get::<Caller>())?;
    if let Some(key) = route.form {
        return forms::receive(host, key, request).await;
    }
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect());
    let body = body.await.map_err(|_| too_slow())?.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let detail = format!("the body is longer than {MAX_BODY} bytes");
            Error::refused(StatusCode::PAYLOAD_TOO_LARGE, detail)
        } else {
            Error::bad_request("the body broke off")
        }
    })?;
    let bytes = body.to_bytes();
    let body = if bytes.is_empty() {
        Body::Empty
    } else {
        Body::Binary(bytes.to_vec())
    };
    Ok(Request::from_parts(parts, body))
}

/// 408: the client sends nothing any more.
pub(super) fn too_slow() -> Error {
    Error::refused(
        StatusCode::REQUEST_TIMEOUT,
        "the body did not arrive in time",
    )
}

fn bearer<B>(request: &http::Request<B>) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The id that came with the request, if it is one to be repeated in logs; else a new one.
pub(super) fn request_id<B>(request: &http::Request<B>) -> String {
    let plain = |id: &&str| {
        id.len() <= 100
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_=.:;".contains(&b))
    };
    let given = request
        .extensions()
        .get::<RequestId>()
        .map(|id| id.0.as_str());
    let header = || {
        request
            .headers()
            .get("x-request-id")
            .and_then(|value| value.to_str().ok())
    };
    given
        .or_else(header)
        .filter(|id| !id.is_empty())
        .filter(plain)
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}
