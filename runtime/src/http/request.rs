//! What every HTTP request gets, whichever way it comes: a span, a place in the figures, and a
//! problem document also when its handler panics or there is no room for it.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;
use tower::load_shed::error::Overloaded;
use tower::{BoxError, Layer, Service};
use tracing::{Instrument, Span};

use super::representation::Wanted;
use crate::{Context, Error, Host, RequestId, Response, Result, problem, trace};

/// The header of a request's id, in and out.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long a plain body may take to arrive, and a form between two pieces of it or at its beginning.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);

/// Gives each request its context.
pub(super) struct RequestContextLayer<C: Context> {
    pub(super) host: Host<C>,
}

impl<C: Context, S> Layer<S> for RequestContextLayer<C> {
    type Service = InContext<C, S>;

    fn layer(&self, inner: S) -> InContext<C, S> {
        InContext {
            host: self.host.clone(),
            inner,
        }
    }
}

/// A service that answers each request in its context, come what may.
pub(super) struct InContext<C: Context, S> {
    host: Host<C>,
    inner: S,
}

impl<C: Context, S: Clone> Clone for InContext<C, S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            inner: self.inner.clone(),
        }
    }
}

impl<C, S, B> Service<http::Request<B>> for InContext<C, S>
where
    C: Context,
    S: Service<http::Request<B>, Response = Response, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        // What fails now fails again when it is called.
        self.inner.poll_ready(task).map(|_| Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let context = RequestContext::new(&self.host, &mut request);
        let answer = self.inner.call(request);
        Box::pin(context.answer(answer).map(Ok))
    }
}

/// Which route answers a request, once that is known; for logs and figures.
#[derive(Clone, Default)]
pub(crate) struct RouteLabel(Arc<OnceLock<&'static str>>);

impl RouteLabel {
    /// Says which route answers a request.
    pub(crate) fn set<B>(request: &http::Request<B>, route: &'static str) {
        if let Some(label) = request.extensions().get::<Self>() {
            // The first word holds.
            let _ = label.0.set(route);
        }
        Span::current().record("route", route);
    }
}

/// The id of a request that has come through the stack.
pub(crate) fn request_id<B>(request: &http::Request<B>) -> String {
    let id = request.extensions().get::<RequestId>();
    id.map_or_else(String::new, |id| id.0.clone())
}

/// A request on its way to an answer.
struct RequestContext {
    id: String,
    method: Method,
    wanted: Wanted,
    route: RouteLabel,
    span: Span,
}

impl RequestContext {
    fn new<C: Context, B>(host: &Host<C>, request: &mut http::Request<B>) -> Self {
        let id = request.headers().get(X_REQUEST_ID);
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        let (id, method) = (id.to_owned(), request.method().clone());
        let route = tracing::field::Empty;
        let span = tracing::info_span!("request", request_id = id, %method, route);
        host.follow(&span, || {
            let parent = request.headers().get(trace::TRACEPARENT)?;
            Some(parent.to_str().ok()?.to_owned())
        });
        let route = RouteLabel::default();
        request.extensions_mut().insert(RequestId(id.clone()));
        request.extensions_mut().insert(route.clone());
        Self {
            id,
            method,
            wanted: Wanted::by(request),
            route,
            span,
        }
    }

    /// What `work` answers; 500 when it panics, 503 when there is no room for it.
    async fn answer(self, work: impl Future<Output = Result<Response, BoxError>>) -> Response {
        let began = Instant::now();
        let active = metrics::gauge!("http.server.active_requests");
        active.increment(1);
        let work = AssertUnwindSafe(work).catch_unwind().instrument(self.span);
        let mut response = match work.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => problem::response(&refusal(&error), &self.id),
            Err(_) => {
                tracing::error!(request_id = self.id, "a handler panicked");
                problem::response(&Error::permanent("a handler panicked"), &self.id)
            }
        };
        active.decrement(1);
        self.wanted.finish(&mut response);
        metrics::histogram!(
            "http.server.request.duration",
            "http.request.method" => method_label(&self.method),
            "http.route" => self.route.0.get().copied().unwrap_or_default(),
            "http.response.status_code" => response.status().as_u16().to_string(),
        )
        .record(began.elapsed());
        response
    }
}

/// Why a layer did not let a request through.
fn refusal(error: &BoxError) -> Error {
    if error.is::<Overloaded>() {
        // One more would only make all of them slower.
        Error::transient("too many requests are under way")
    } else {
        Error::permanent(error.to_string())
    }
}

/// A method that a client made up must not become a label.
fn method_label(method: &Method) -> &'static str {
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

/// Whether an id that came with a request can be repeated in logs as it is.
pub(super) fn is_loggable(id: &HeaderValue) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_=.:;".contains(b);
    let id = id.as_bytes();
    (1..=100).contains(&id.len()) && id.iter().all(plain)
}

/// A body that has arrived whole, in time and with at most `max` bytes.
///
/// # Errors
/// 408 or 413 when it has not; 400 when it broke off.
pub(crate) async fn whole_body<B>(body: B, max: usize) -> Result<Bytes>
where
    B: http_body_util::BodyExt<Data = Bytes> + Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let body = tokio::time::timeout(BODY_TIME, Limited::new(body, max).collect());
    let body = body.await.map_err(|_| too_slow())?.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let detail = format!("the body is longer than {max} bytes");
            Error::rejected(http::StatusCode::PAYLOAD_TOO_LARGE, detail)
        } else {
            Error::bad_request("the body broke off")
        }
    })?;
    Ok(body.to_bytes())
}

/// 408: the client sends nothing any more.
pub(super) fn too_slow() -> Error {
    Error::rejected(
        http::StatusCode::REQUEST_TIMEOUT,
        "the body did not arrive in time",
    )
}
