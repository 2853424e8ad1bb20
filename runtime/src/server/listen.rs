//! Connections: taken until told to stop, each with limits on what its client may cost, and
//! given time to come to an end.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The most that a request's head may have: about so many bytes, and headers. More is answered 431.
const MAX_HEAD: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;
/// How long a request's head may take to arrive; also how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_mins(1);
/// How long no connection is taken after one could not be: mostly there are too many.
const REST: Duration = Duration::from_millis(50);

/// How a server comes to its end.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// How long it goes on taking requests, while `/readyz` says that it is to go: as long as
    /// those who send requests need to hear of it.
    pub lame_duck: Duration,
    /// How long requests that are begun may go on after that.
    pub grace: Duration,
}

/// Serves a router until `stop`, then lets what is begun come to its end. A connection that fails
/// does not end it.
pub async fn serve(router: Router, listener: TcpListener, stop: CancellationToken, ending: Ending) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    let connections = GracefulShutdown::new();
    let over = async {
        stop.cancelled().await;
        tokio::time::sleep(ending.lame_duck).await;
    };
    let mut over = std::pin::pin!(over);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut over => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection =
                    http.serve_connection(io(stream), TowerToHyperService::new(router.clone()));
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection broke off");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(REST).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(ending.grace, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off: they went on after the grace");
    }
}

fn io(stream: TcpStream) -> TokioIo<TcpStream> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may wait for each other");
    }
    TokioIo::new(stream)
}
