//! Places for requests that are under way.

use std::convert::Infallible;

use http::{Method, Request};
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::Response;

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
