//! What tests of the adapters share: nobody who calls, and one request to a server of its own.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file takes its part"
)]

use std::sync::Arc;

use bytes::Bytes;
use fotograma_core::story::{self, Recorder};
use fotograma_core::{App, features};
use http_body_util::{BodyExt, Full};
use lambda_anywhere::Host;
use lambda_anywhere::server::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The features over a recorder, where nobody logs in.
pub(crate) fn host(recorder: &Arc<Recorder>) -> Host<App> {
    Host::new(story::app(recorder), features::TABLE)
}

/// The answer of a server, which runs as long as this one request takes.
pub(crate) async fn exchange(
    server: Server<App>,
    request: http::Request<Full<Bytes>>,
) -> (http::response::Parts, Bytes) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve_until(listener, stop.clone()));

    let stream = TcpStream::connect(address).await.expect("a connection");
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .expect("a handshake");
    tokio::spawn(connection);
    let response = sender.send_request(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    stop.cancel();
    drop(sender);
    serving.await.expect("the server");
    (parts, body)
}
