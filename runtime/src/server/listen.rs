//! Connections: taken until told to stop, each with limits on what its client may cost, and
//! given time to come to an end.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn};

use super::connection::{Answering, HeadTimed};

/// The most that a request's head may have: about so many bytes, and headers. More is answered 431.
const MAX_HEAD: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;
/// How long a request's head may take to arrive.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long no connection is taken after one could not be: mostly there are too many.
const PAUSE: Duration = Duration::from_millis(50);

/// How connections are kept, and how a server comes to its end.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// How long a connection may be idle. Longer than a load balancer keeps its own (60 s by
    /// default), or it sends a request into a connection that is being closed.
    pub idle: Duration,
    /// How long it goes on taking requests after `stop`, while `/readyz` says that it is to go: as
    /// long as those who send requests need to hear of it.
    pub lame_duck: Duration,
    /// How long requests that are begun may go on after that.
    pub grace: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(75),
            lame_duck: Duration::ZERO,
            grace: Duration::from_secs(25),
        }
    }
}

/// Serves a router until `stop`, then lets what is begun come to its end. A connection that fails
/// does not end it.
pub async fn serve_router(
    router: Router,
    listener: TcpListener,
    stop: CancellationToken,
    options: ServeOptions,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.idle)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    let connections = GracefulShutdown::new();
    let over = async {
        stop.cancelled().await;
        tokio::time::sleep(options.lame_duck).await;
    };
    let mut over = std::pin::pin!(over);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut over => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connections.watch(serve_connection(&http, &router, stream));
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection broke off");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(options.grace, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off: they went on after the grace");
    }
}

fn serve_connection(
    http: &http1::Builder,
    router: &Router,
    stream: TcpStream,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send + 'static {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may wait for each other");
    }
    let answering = Answering::default();
    let stream = HeadTimed::new(stream, answering.clone(), HEAD_TIME);
    let router = router.clone();
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        answering.set(true);
        let (router, answering) = (router.clone(), answering.clone());
        async move {
            let answer = router.oneshot(request.map(Body::new)).await;
            answering.set(false);
            answer
        }
    });
    http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
}
