//! What every HTTP request passes on its way to a handler, as tower layers.

use std::convert::Infallible;
use std::time::Duration;

use http::{Method, Request, header};
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId as IdHeader, SetRequestIdLayer,
};

use super::request::{RequestContextLayer, X_REQUEST_ID, is_loggable};
use crate::{Context, Host, RequestId, Response};

/// How long a browser need not ask again what it may send.
const PREFLIGHT_AGE: Duration = Duration::from_mins(10);

/// How many requests may be under way at once. Forms have places of their own, because a slow one holds
/// its place for long.
pub(crate) struct Places<F> {
    pub(crate) requests: usize,
    pub(crate) forms: usize,
    /// Whether a request by this method for this path is a form.
    pub(crate) is_form: F,
}

/// `service` with a place for each request that is under way in it; who finds none is answered 503.
pub(crate) fn with_places<B, S, F>(
    service: &S,
    places: Places<F>,
) -> impl Service<Request<B>, Response = Response, Error = BoxError, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    B: Send + 'static,
    S: Service<Request<B>, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    F: Fn(&Method, &str) -> bool + Clone + Send + Sync + 'static,
{
    let behind = |most| {
        ServiceBuilder::new()
            .layer(LoadShedLayer::new())
            .layer(ConcurrencyLimitLayer::new(most))
            .service(service.clone())
    };
    let (requests, forms) = (behind(places.requests), behind(places.forms));
    let is_form = places.is_form;
    service_fn(move |request: Request<B>| {
        let is_form = is_form(request.method(), request.uri().path());
        let place = if is_form { &forms } else { &requests };
        place.clone().oneshot(request)
    })
}

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
        .layer(cors())
        .map_request(keep_loggable_id)
        .layer(SetRequestIdLayer::new(X_REQUEST_ID, NewId))
        .layer(PropagateRequestIdLayer::new(X_REQUEST_ID))
        .layer(RequestContextLayer { host })
        .map_err(Into::into)
        .service(service)
}

/// A page may be served from anywhere; what it may do, its token says.
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([X_REQUEST_ID])
        .max_age(PREFLIGHT_AGE)
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
