//! One HTTP request through the table: the same steps in a pod's server and in Lambda.

use std::error::Error as StdError;

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

use super::{Host, forms};

/// The longest body of a request that is no form upload, in bytes.
const MAX_BODY: usize = 1024 * 1024;

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
    match route(host.features(name), request.method(), path) {
        Routed::Found(feature, route, params) => {
            request.extensions_mut().insert(params);
            match prepare(host, feature, request).await {
                Ok(request) => call(route, host.context.as_ref(), request).await,
                Err(error) => response(&error, &id),
            }
        }
        Routed::Method(allowed) => {
            let mut answer = problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path has other methods",
                &id,
            );
            let allowed: Vec<_> = allowed.iter().map(http::Method::as_str).collect();
            if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
                answer.headers_mut().insert(header::ALLOW, allowed);
            }
            answer
        }
        Routed::Nobody => problem(StatusCode::NOT_FOUND, "there is no such path here", &id),
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
    let body = Limited::new(body, MAX_BODY)
        .collect()
        .await
        .map_err(|error| {
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
fn request_id<B>(request: &http::Request<B>) -> String {
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
