//! Connections: taken until told to stop, each with limits on what its client may cost, and
//! given time to come to an end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn};

use super::connection::{HeadTimed, Waiting};
use super::log_limit::LogLimit;
use super::open_connections::{OpenConnections, Place};
use crate::client::{Client, PeerAddress};

/// The most that a request's head may have: about so many bytes, and headers. More is answered 431.
const MAX_HEAD: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;
/// How long a request's head may take to arrive, from its first byte.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long no connection is taken after one could not be.
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
    /// How many connections there may be at once, and how many of one client. Where there are more,
    /// the one on which the next request has been waited for the longest is closed.
    pub max_connections: usize,
    /// See `max_connections`. More than requests may be under way: a proxy is one client.
    pub max_connections_of_a_client: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(75),
            lame_duck: Duration::ZERO,
            grace: Duration::from_secs(25),
            max_connections: 4_096,
            max_connections_of_a_client: 1_024,
        }
    }
}

/// Serves a router until `stop`, then lets what is begun come to its end. A connection that fails
/// does not end it. From `stop` on each answer closes its connection, so that clients which keep
/// theirs go elsewhere with their next request.
pub async fn serve_router(
    router: Router,
    listener: TcpListener,
    stop: CancellationToken,
    options: ServeOptions,
) {
    let listening = Listening::new(router, stop.clone(), options);
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
            Ok((stream, peer)) => listening.take(stream, peer),
            Err(error) => {
                let made_room = listening.open.make_room();
                if let Some(left_out) = listening.failing.pass() {
                    tracing::warn!(%error, made_room, left_out, "a connection could not be taken");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(options.grace, listening.ending.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off: they went on after the grace");
    }
}

fn http_options(idle: Duration) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    http
}

/// What the connections of a listener have in common.
struct Listening {
    http: http1::Builder,
    router: Router,
    stop: CancellationToken,
    ending: GracefulShutdown,
    open: Arc<OpenConnections>,
    full: LogLimit,
    failing: LogLimit,
}

impl Listening {
    fn new(router: Router, stop: CancellationToken, options: ServeOptions) -> Self {
        let most_of_a_client = options.max_connections_of_a_client;
        Self {
            http: http_options(options.idle),
            router,
            stop,
            ending: GracefulShutdown::new(),
            open: OpenConnections::new(options.max_connections, most_of_a_client),
            full: LogLimit::default(),
            failing: LogLimit::default(),
        }
    }

    /// Serves a connection if there is a place for it.
    fn take(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(place) = self.open.take(Client::new(peer.ip())) else {
            metrics::counter!("http.server.connections.refused").increment(1);
            if let Some(left_out) = self.full.pass() {
                tracing::warn!(%peer, left_out, "a connection was refused: there are too many");
            }
            return;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "answers may wait for each other");
        }
        self.serve(stream, peer, place);
    }

    /// Serves a connection in a task of its own.
    fn serve<S>(&self, stream: S, peer: SocketAddr, place: Place)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = HeadTimed::new(stream, place.waiting.clone(), HEAD_TIME);
        let service = self.service(peer, place.waiting.clone());
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let connection = self.ending.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                served = connection => if let Err(error) = served {
                    tracing::debug!(%error, "a connection broke off");
                },
                () = place.close.cancelled() => tracing::debug!("a connection made room"),
            }
        });
    }

    /// What answers the requests of one connection.
    fn service(
        &self,
        peer: SocketAddr,
        waiting: Waiting,
    ) -> impl hyper::service::Service<
        Request<Incoming>,
        Response = http::Response<Body>,
        Error = Infallible,
        Future: Send,
    > + Send
    + 'static {
        let (router, stop) = (self.router.clone(), self.stop.clone());
        TowerToHyperService::new(service_fn(move |mut request: Request<Incoming>| {
            waiting.answering();
            request.extensions_mut().insert(PeerAddress(peer));
            let (router, stop, waiting) = (router.clone(), stop.clone(), waiting.clone());
            async move {
                let mut answer = router.oneshot(request.map(Body::new)).await?;
                if stop.is_cancelled() {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(header::CONNECTION, close);
                }
                waiting.answered();
                Ok(answer)
            }
        }))
    }
}

#[cfg(test)]
mod tests;
