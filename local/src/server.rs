//! The listener: HTTP/1.1 connections, each served by [`App`], until told to stop.

use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::dispatch::App;

/// How long requests under way may take once the end has come.
const GRACE: Duration = Duration::from_secs(10);
/// A client that connects must send a request's head within this time.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Bytes of request line and headers; more is answered by 431.
const MAX_HEAD: usize = 64 * 1024;

/// The task that accepts connections.
pub(crate) struct Server {
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `app` on `listener` until `stopping`.
    pub(crate) fn start_accepting(
        listener: TcpListener,
        app: App,
        stopping: CancellationToken,
    ) -> Self {
        Self {
            task: tokio::spawn(accept(listener, app, stopping)),
        }
    }

    /// Completes when the last request has been answered, or the grace is over.
    pub(crate) async fn finished(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the listener did not end well");
        }
    }
}

async fn accept(listener: TcpListener, app: App, stopping: CancellationToken) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve_connection(stream, app.clone(), &graceful),
                Err(error) => {
                    // Out of file handles, most likely: other connections must end first.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = stopping.cancelled() => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not end in time and were cut");
    }
}

fn serve_connection(stream: TcpStream, app: App, graceful: &GracefulShutdown) {
    // Answers are small and awaited; a failure to say so costs only time.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let app = app.clone();
        async move { app.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
