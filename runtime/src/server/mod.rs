//! The server adapter: the routes of a service on a port, and what operators ask of any server.

mod invocation;
mod listen;
mod sns;

use std::sync::Arc;

use ::metrics::Gauge;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower_http::cors::{Any, CorsLayer};

use crate::request::{Exchange, whole_body};
use crate::{
    Context, Error, Feature, Host, Response as Answer, answer as routes, openapi, problem,
};

pub use listen::{Ending, serve};
pub use sns::Subscriptions;

/// Gives the figures as text, in Prometheus' exposition format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Tells what keeps a process from its work, if anything does.
pub type Problem = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What a server serves.
pub struct Server<C: Context> {
    /// The features.
    pub host: Host<C>,
    /// The service whose routes are served.
    pub service: &'static str,
    /// Of what is served, for `/openapi.json`.
    pub version: &'static str,
    /// Whether events may be posted to the Invoke path: for development.
    pub invoke: bool,
    /// SNS, where a topic may be subscribed to by HTTP.
    pub subscriptions: Option<Arc<dyn Subscriptions>>,
    /// The figures, where they are asked for.
    pub metrics: Option<RenderMetrics>,
    /// How many requests may be under way at once; more are answered 503.
    pub max_requests: usize,
    /// How it comes to its end.
    pub ending: Ending,
}

/// Serves until `stop`, then lets what is begun come to its end, within the grace.
pub async fn run<C>(server: Server<C>, listener: TcpListener, stop: CancellationToken)
where
    C: Context,
{
    let ending = server.ending;
    serve(router(server, stop.clone()), listener, stop, ending).await;
}

fn router<C>(server: Server<C>, stop: CancellationToken) -> Router
where
    C: Context,
{
    let invoke = server.invoke;
    let document = openapi::document(
        server.service,
        server.version,
        server.host.features(server.service),
    );
    let mut router = probes(server.metrics.clone(), None, stop)
        .route(
            "/openapi.json",
            get(move || async move { axum::Json(document) }),
        )
        .fallback(answer::<C>);
    if invoke {
        router = router.route(invocation::PATH, post(invocation::answer::<C>));
    }
    if let (Some(subscribed), Some(subscriptions)) = (
        sns::feature(server.host.features(server.service)),
        server.subscriptions.clone(),
    ) {
        let posted = move |State(serving): State<Arc<Serving<C>>>, request: Request| {
            let subscriptions = Arc::clone(&subscriptions);
            async move { posted(&serving, subscribed, &subscriptions, request).await }
        };
        router = router.route("/", post(posted));
    }
    let slots = Arc::new(Semaphore::new(server.max_requests));
    router
        .layer(cors())
        .with_state(Arc::new(Serving { server, slots }))
}

/// What operators ask of any process: whether it lives, whether it is ready, and its figures. It is
/// not ready once it is to stop, nor while there is a `problem`.
pub fn probes<S: Clone + Send + Sync + 'static>(
    metrics: Option<RenderMetrics>,
    problem: Option<Problem>,
    stop: CancellationToken,
) -> Router<S> {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route(
            "/readyz",
            get(move || async move { ready(problem.as_ref(), &stop) }),
        );
    match metrics {
        None => router,
        Some(render) => router.route("/metrics", get(move || async move { exposition(&render) })),
    }
}

/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
fn exposition(render: &RenderMetrics) -> impl IntoResponse + use<> {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], render())
}

/// A server, and how many more requests it may take.
struct Serving<C: Context> {
    server: Server<C>,
    slots: Arc<Semaphore>,
}

impl<C: Context> Serving<C> {
    /// A slot for one request; none is left when too many are under way.
    fn slot(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        let active = metrics::gauge!("http.server.active_requests");
        active.increment(1);
        Some(Slot(active, permit))
    }
}

struct Slot(
    Gauge,
    #[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit,
);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// 503: so many requests are under way that one more would only make all of them slower.
fn busy(request_id: &str) -> Answer {
    let error = Error::transient("too many requests are under way");
    problem::response(&error, request_id)
}

fn ready(problem: Option<&Problem>, stop: &CancellationToken) -> (StatusCode, String) {
    let unready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if stop.is_cancelled() {
        return unready("stopping");
    }
    match problem.and_then(|problem| problem()) {
        Some(problem) => unready(&problem),
        None => (StatusCode::OK, "ok\n".to_owned()),
    }
}

async fn answer<C>(State(serving): State<Arc<Serving<C>>>, request: Request) -> Response
where
    C: Context,
{
    let head = request.method() == Method::HEAD;
    let server = &serving.server;
    let response = if let Some(_slot) = serving.slot() {
        routes::answer(&server.host, server.service, request).await
    } else {
        let exchange = Exchange::of(&server.host, &request, "");
        let refusal = busy(&exchange.id);
        exchange.answer(std::future::ready(refusal)).await
    };
    into_axum(response, head)
}

fn into_axum(response: Answer, head: bool) -> Response {
    let (parts, body) = response.into_parts();
    let body = if head {
        Body::empty()
    } else {
        Body::from(body.to_vec())
    };
    Response::from_parts(parts, body)
}

/// A message of a topic that is subscribed by HTTP.
async fn posted<C>(
    serving: &Serving<C>,
    subscribed: (&'static Feature<C>, &'static str),
    subscriptions: &Arc<dyn Subscriptions>,
    request: Request,
) -> Response
where
    C: Context,
{
    let exchange = Exchange::of(&serving.server.host, &request, "/");
    let id = exchange.id.clone();
    let answer = exchange.answer(async {
        let Some(_slot) = serving.slot() else {
            return busy(&id);
        };
        let body = match whole_body(request.into_body(), routes::MAX_BODY).await {
            Ok(body) => body,
            Err(error) => return problem::response(&error, &id),
        };
        let host = &serving.server.host;
        let answered = sns::answer(host, subscribed, subscriptions, &body, &id);
        routes::in_time(answered, &id).await
    });
    into_axum(answer.await, false)
}

/// The page may be served from anywhere; what it may do, its token says.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([HeaderName::from_static("x-request-id")])
}

#[cfg(test)]
mod tests;
