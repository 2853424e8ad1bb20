//! The server adapter: the routes of a service on a port, and what operators ask of any server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::cors::{Any, CorsLayer};

use super::{Host, http as routes, invoke, openapi};

/// What a server serves.
pub struct Server<C: 'static> {
    /// The features.
    pub host: Host<C>,
    /// The service whose routes are served.
    pub service: &'static str,
    /// Whether events may be posted to the Invoke path: for development.
    pub invoke: bool,
    /// How long requests that are begun may go on after `stop`.
    pub grace: Duration,
}

/// Serves until `stop`, then lets what is begun come to its end, within the grace.
///
/// # Errors
/// When the listener fails.
pub async fn run<C>(server: Server<C>, listener: TcpListener, stop: CancellationToken) -> Result<()>
where
    C: Send + Sync + 'static,
{
    let grace = server.grace;
    serve(router(server, stop.clone()), listener, stop, grace).await
}

/// Serves a router until `stop`, then lets what is begun come to its end, within `grace`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    router: Router,
    listener: TcpListener,
    stop: CancellationToken,
    grace: Duration,
) -> Result<()> {
    let stopped = stop.clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
    let over = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = serving => ended.context("the server failed"),
        () = over => {
            tracing::warn!("requests were cut off: they went on after the grace");
            Ok(())
        }
    }
}

fn router<C>(server: Server<C>, stop: CancellationToken) -> Router
where
    C: Send + Sync + 'static,
{
    let invoke = server.invoke;
    let document = openapi::document(server.service, server.host.features(server.service));
    let mut router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { ready(&stop) }))
        .route(
            "/openapi.json",
            get(move || async move { axum::Json(document) }),
        )
        .fallback(answer::<C>);
    if invoke {
        router = router.route(
            "/2015-03-31/functions/{feature}/invocations",
            post(invocation::<C>),
        );
    }
    router.layer(cors()).with_state(Arc::new(server))
}

fn ready(stop: &CancellationToken) -> (StatusCode, &'static str) {
    if stop.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else {
        (StatusCode::OK, "ok\n")
    }
}

async fn answer<C>(State(server): State<Arc<Server<C>>>, request: Request) -> Response
where
    C: Send + Sync + 'static,
{
    let head = request.method() == Method::HEAD;
    let response = routes::answer(&server.host, server.service, request).await;
    let (parts, body) = response.into_parts();
    let body = if head {
        Body::empty()
    } else {
        Body::from(body.to_vec())
    };
    Response::from_parts(parts, body)
}

/// The Invoke call of Lambda, synchronous: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.
async fn invocation<C>(
    State(server): State<Arc<Server<C>>>,
    Path(feature): Path<String>,
    payload: Bytes,
) -> Response
where
    C: Send + Sync + 'static,
{
    if server
        .host
        .features(&feature)
        .all(|found| found.service != server.service)
    {
        return (
            StatusCode::NOT_FOUND,
            axum::Json(serde_json::json!({
                "Type": "User", "Message": format!("Function not found: {feature}")
            })),
        )
            .into_response();
    }
    let outcome = match serde_json::from_slice(&payload) {
        Ok(payload) => invoke::invoke(&server.host, &feature, payload).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(reply) => axum::Json(reply).into_response(),
        Err(error) => {
            let name = HeaderName::from_static("x-amz-function-error");
            let value = HeaderValue::from_static("Unhandled");
            ([(name, value)], axum::Json(invoke::error_payload(&error))).into_response()
        }
    }
}

/// The page may be served from anywhere; what it may do, its token says.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([HeaderName::from_static("x-request-id")])
}
