//! What every HTTP request passes on its way to a handler, as tower layers.

use std::convert::Infallible;
use std::time::Duration;

use http::{HeaderName, Method, Request, header};
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId as IdHeader, SetRequestIdLayer,
};

use super::request::{RequestContextLayer, X_REQUEST_ID, is_loggable};
use crate::{Context, Host, RequestId, Response};

/// How long a browser need not ask again what it may send.
const PREFLIGHT_AGE: Duration = Duration::from_mins(10);

/// `service` behind the layers that every request passes.
pub(crate) fn http_stack<C, B, S>(
    host: Host<C>,
    service: S,
) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    C: Context,
    B: Send + 'static,
    S: Service<Request<B>, Response = Response> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
{
    ServiceBuilder::new()
        .layer(cors(&host))
        .map_request(keep_loggable_id)
        .layer(SetRequestIdLayer::new(X_REQUEST_ID, NewId))
        .layer(PropagateRequestIdLayer::new(X_REQUEST_ID))
        .layer(RequestContextLayer { host })
        .map_err(Into::into)
        .service(service)
}

/// A page may be served from anywhere, unless told; what it may do, its token says.
pub(crate) fn cors<C: Context>(host: &Host<C>) -> CorsLayer {
    let layer = match &host.allowed_origins {
        Some(origins) => CorsLayer::new().allow_origin(origins.to_vec()),
        None => CorsLayer::new().allow_origin(Any),
    };
    layer
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("traceparent"),
            X_REQUEST_ID,
        ])
        .expose_headers([
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("deprecation"),
            HeaderName::from_static("sunset"),
            X_REQUEST_ID,
        ])
        .max_age(PREFLIGHT_AGE)
        // In one header: a gateway hands on only one of a name.
        .vary([
            header::ORIGIN,
            header::ACCESS_CONTROL_REQUEST_METHOD,
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            header::ACCEPT_ENCODING,
        ])
}

/// The id that a gateway gave the request, else the one that came with it, if it is one to be
/// repeated in logs.
fn keep_loggable_id<B>(mut request: Request<B>) -> Request<B> {
    let given = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.0.parse().ok());
    let id = given.or_else(|| request.headers_mut().remove(X_REQUEST_ID));
    request.headers_mut().remove(X_REQUEST_ID);
    if let Some(id) = id.filter(is_loggable) {
        request.headers_mut().insert(X_REQUEST_ID, id);
    }
    request
}

#[derive(Clone, Copy)]
struct NewId;

impl MakeRequestId for NewId {
    fn make_request_id<B>(&mut self, _request: &Request<B>) -> Option<IdHeader> {
        let id = uuid::Uuid::now_v7().to_string();
        id.parse().ok().map(IdHeader::new)
    }
}
