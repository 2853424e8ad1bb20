//! What every HTTP request gets, whichever way it comes: an id, a span, a place in the figures,
//! limits on its body, and an answer also when its handler panics.

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::Method;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::{Context, Error, Host, RequestId, Response, Result, problem, trace};

/// How long a plain body may take to arrive, and a form between two pieces of it.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);

/// A request on its way to an answer.
pub(crate) struct Exchange {
    /// To ask the operator by.
    pub(crate) id: String,
    method: Method,
    route: &'static str,
    span: Span,
}

impl Exchange {
    /// Of a request to this route; an empty one is none.
    pub(crate) fn of<C: Context, B>(
        host: &Host<C>,
        request: &http::Request<B>,
        route: &'static str,
    ) -> Self {
        let (id, method) = (request_id(request), request.method().clone());
        let span = tracing::info_span!("request", request_id = id, %method, route);
        host.follow(&span, || {
            let parent = request.headers().get(trace::TRACEPARENT)?;
            Some(parent.to_str().ok()?.to_owned())
        });
        Self {
            id,
            method,
            route,
            span,
        }
    }

    /// What `work` answers; 500 when it panics.
    pub(crate) async fn answer(self, work: impl Future<Output = Response>) -> Response {
        let began = Instant::now();
        let work = AssertUnwindSafe(work).catch_unwind();
        let response = work
            .instrument(self.span)
            .await
            .unwrap_or_else(|_| crashed(&self.id));
        metrics::histogram!(
            "http.server.request.duration",
            "http.request.method" => label(&self.method),
            "http.route" => self.route,
            "http.response.status_code" => response.status().as_u16().to_string(),
        )
        .record(began.elapsed());
        response
    }
}

fn crashed(request_id: &str) -> Response {
    tracing::error!(request_id, "a handler panicked");
    problem::response(&Error::permanent("a handler panicked"), request_id)
}

/// A method that a client made up must not become a label.
fn label(method: &Method) -> &'static str {
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
pub(crate) fn too_slow() -> Error {
    Error::rejected(
        http::StatusCode::REQUEST_TIMEOUT,
        "the body did not arrive in time",
    )
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
