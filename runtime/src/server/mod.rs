//! The server adapter: the routes of a service on a port, and what operators ask of any server.

mod browsers;
mod connection;
mod descriptors;
mod events;
mod invocation;
mod listen;
mod log_limit;
mod open_connections;
mod topic;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::sync::Arc;

use aws_lambda_events::encodings::Body as EventBody;
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn};

use crate::http::{
    MAX_BODY, Places, RouteLabel, answer, cors, handler_in_time, http_stack, request_id,
    whole_body, with_places,
};
use crate::routing::without_prefix;
use crate::{Context, Feature, Host, PathEncoding, Response, RouteMatch, find_route, problem};

pub use descriptors::raise_descriptor_limit;
use events::{EventStream, Listeners};
pub use listen::{ServeOptions, serve_router};
use topic::Subscribed;
pub use topic::TopicSubscriptions;

/// Gives the figures as text, in Prometheus' exposition format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// The routes of one service on a port.
pub struct Server<C: Context> {
    /// The features.
    pub host: Host<C>,
    /// The service whose routes are served.
    pub service: &'static str,
    /// What is served beside the routes, as it is: what the API is like, for people and programs.
    pub documents: Vec<Document>,
    /// Whether events may be posted to the Invoke path: for development.
    pub invoke: bool,
    /// SNS, where a topic may be subscribed to by HTTP.
    pub subscriptions: Option<Arc<dyn TopicSubscriptions>>,
    /// What operators are told.
    pub probes: Probes,
    /// How many requests may be under way at once, forms apart; more are answered 503.
    pub max_requests: usize,
    /// How many may listen to events at once; more are answered 503. None at all: each is told once what is
    /// new, as behind a gateway.
    pub max_listeners: usize,
    /// How connections are kept, and how they come to their end.
    pub options: ServeOptions,
}

impl<C: Context> Server<C> {
    /// A server of this service's routes and nothing else.
    #[must_use]
    pub fn new(host: Host<C>, service: &'static str) -> Self {
        Self {
            host,
            service,
            documents: Vec::new(),
            invoke: false,
            subscriptions: None,
            probes: Probes::default(),
            max_requests: 512,
            max_listeners: 2_000,
            options: ServeOptions::default(),
        }
    }

    /// Serves until `stop`, then lets what is begun come to its end, within the grace.
    pub async fn serve_until(self, listener: TcpListener, stop: CancellationToken) {
        let options = self.options;
        serve_router(self.router(stop.clone()), listener, stop, options).await;
    }

    fn router(self, stop: CancellationToken) -> Router {
        let listeners = Listeners::new(self.host.clone(), self.max_listeners, stop.clone());
        let mut probes = self.probes.clone().router(stop);
        for document in self.documents.clone() {
            probes = probes.route(document.path, get(move || async move { document }));
        }
        let host = self.host.clone();
        let probes = probes.layer(cors(&host));
        let (forms, service) = (self.host.clone(), self.service);
        let places = Places {
            requests: self.max_requests,
            forms: self.host.form_limits.places,
            is_form: move |method: &Method, path: &str| is_form(&forms, service, method, path),
        };
        let subscribed = self.subscriptions.clone().map(Subscribed::new);
        let serving = Arc::new((self, subscribed, listeners));
        let service = service_fn(move |request: Request<Body>| {
            let serving = Arc::clone(&serving);
            async move {
                let (server, subscribed, listeners) = &*serving;
                let answer = server.answer(subscribed.as_ref(), request).await;
                Ok::<_, Infallible>(listeners.follow(answer))
            }
        });
        let stack = http_stack(host, with_places(&service, places));
        probes.fallback_service(stack.map_response(into_axum))
    }

    /// Answers what is no probe: a route of the service, an event that is posted, or a message of
    /// a topic.
    async fn answer(&self, subscribed: Option<&Subscribed>, request: Request<Body>) -> Response {
        let posted = request.method() == Method::POST;
        if posted
            && self.invoke
            && let Some(feature) = invocation::feature_name(request.uri().path())
        {
            let feature = feature.to_owned();
            return invocation::answer(self, &feature, request).await;
        }
        if posted
            && request.uri().path() == "/"
            && let Some(subscribed) = subscribed
            && let Some(feature) = topic::subscribed(self.host.features(self.service))
        {
            return self.take_posted(feature, subscribed, request).await;
        }
        answer(&self.host, self.service, request).await
    }

    /// A message of a topic that is subscribed by HTTP.
    async fn take_posted<B>(
        &self,
        feature: (&'static Feature<C>, &'static str),
        subscribed: &Subscribed,
        request: Request<B>,
    ) -> Response
    where
        B: BodyExt<Data = Bytes> + Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        RouteLabel::set(&request, "/");
        let id = request_id(&request);
        let body = match whole_body(request.into_body(), MAX_BODY).await {
            Ok(body) => body,
            Err(error) => return problem::response(&error, &id),
        };
        let answered = topic::answer(&self.host, feature, subscribed, &body, &id);
        handler_in_time(answered, &id).await
    }
}

/// Something to read, served as it is.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it is.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// What a browser may do with it.
    pub policy: &'static str,
    /// What there is to read.
    pub text: Arc<str>,
}

impl IntoResponse for Document {
    fn into_response(self) -> http::Response<Body> {
        let headers = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, self.text.to_string()).into_response()
    }
}

/// Whether a request for this path is a form with a file.
fn is_form<C: Context>(host: &Host<C>, service: &str, method: &Method, path: &str) -> bool {
    let path = without_prefix(path, &host.base_path);
    let found = find_route(host.features(service), method, path, PathEncoding::Percent);
    matches!(found, RouteMatch::Found(_, route, _) if route.form.is_some())
}

/// What operators ask of any process.
#[derive(Clone, Default)]
pub struct Probes {
    /// The figures, where they are asked for.
    pub metrics: Option<RenderMetrics>,
    /// Whether it still does what it is for; see [`Health`](crate::worker::Health) for workers.
    pub is_alive: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    /// What keeps it from its work, if anything does.
    pub problem: Option<Arc<dyn Fn() -> Option<String> + Send + Sync>>,
}

impl Probes {
    /// `/livez`, `/readyz` and, if there are figures, `/metrics`. It is not ready once it is to
    /// stop, nor while there is a problem.
    pub fn router<S: Clone + Send + Sync + 'static>(self, stop: CancellationToken) -> Router<S> {
        let Self {
            metrics,
            is_alive,
            problem,
        } = self;
        let alive = move || {
            let is_alive = is_alive.as_ref().is_none_or(|is_alive| is_alive());
            std::future::ready(alive(is_alive))
        };
        let ready = move || {
            let problem = problem.as_ref().and_then(|problem| problem());
            std::future::ready(ready(problem, &stop))
        };
        let router = Router::new()
            .route("/livez", get(alive))
            .route("/readyz", get(ready));
        match metrics {
            None => router,
            Some(render) => {
                router.route("/metrics", get(move || async move { exposition(&render) }))
            }
        }
    }
}

/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
fn exposition(render: &RenderMetrics) -> impl IntoResponse + use<> {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], render())
}

fn alive(is_alive: bool) -> (StatusCode, &'static str) {
    if is_alive {
        (StatusCode::OK, "ok\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "nothing is done any more\n",
        )
    }
}

fn ready(problem: Option<String>, stop: &CancellationToken) -> (StatusCode, String) {
    let unready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if stop.is_cancelled() {
        return unready("stopping");
    }
    match problem {
        Some(problem) => unready(&problem),
        None => (StatusCode::OK, "ok\n".to_owned()),
    }
}

/// The body moves and is not copied.
fn into_axum(mut response: Response) -> http::Response<Body> {
    let stream = response.extensions_mut().remove::<EventStream>();
    if let Some(stream) = stream.and_then(|stream| stream.take()) {
        return response.map(|_| Body::from_stream(stream.map(Ok::<_, Infallible>)));
    }
    response.map(|body| match body {
        EventBody::Text(text) => Body::from(text),
        EventBody::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    })
}

#[cfg(test)]
mod tests;
