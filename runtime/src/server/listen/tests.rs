//! What becomes of connections: idle ones, slow ones, too many, and those that are kept over a restart.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::SeqCst};

use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self as client, SendRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpSocket;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, advance, sleep, timeout};

use super::*;
use crate::server::raise_descriptor_limit;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";

fn router() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// A connection in memory, so that a paused clock stands still while bytes are on their way.
fn connect(options: ServeOptions) -> (DuplexStream, Listening) {
    let listening = Listening::new(router(), CancellationToken::new(), options);
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let place = listening.open.take(Client::new(peer.ip()));
    let (here, there) = duplex(64 * 1024);
    listening.serve(there, peer, place.expect("a place"));
    (here, listening)
}

/// Sends bytes, and reads the answer that ends with the body.
async fn answer(stream: &mut DuplexStream, request: &[u8]) -> String {
    stream.write_all(request).await.expect("it is sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let read = stream.read_buf(&mut answer).await.expect("an answer");
        assert!(read > 0, "closed: {}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).expect("text")
}

/// How long it takes until the other side closes.
async fn closes_after(stream: &mut DuplexStream) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    // Closed with or without a word.
    let _ = stream.read_to_end(&mut rest).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_be_idle_for_longer_than_a_load_balancer_keeps_it() {
    let (mut stream, _listening) = connect(ServeOptions::default());
    for _ in 0..3 {
        answer(&mut stream, REQUEST).await;
        advance(Duration::from_secs(61)).await;
    }
    answer(&mut stream, REQUEST).await;
    let idle = closes_after(&mut stream).await;
    assert_eq!(idle.as_secs(), ServeOptions::default().idle.as_secs());

    let (mut stream, _listening) = connect(ServeOptions {
        idle: Duration::from_secs(5),
        ..ServeOptions::default()
    });
    answer(&mut stream, REQUEST).await;
    assert_eq!(closes_after(&mut stream).await.as_secs(), 5, "as it is set");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_has_begun_must_arrive_within_ten_seconds() {
    let (mut stream, _listening) = connect(ServeOptions::default());
    answer(&mut stream, REQUEST).await;
    advance(Duration::from_secs(30)).await;
    let (begins, rest) = REQUEST.split_at(10);
    stream.write_all(begins).await.expect("it is sent");
    sleep(Duration::from_secs(9)).await;
    answer(&mut stream, rest).await;
    stream.write_all(begins).await.expect("it is sent");
    assert_eq!(closes_after(&mut stream).await.as_secs(), 10);
}

/// A server on a port of its own.
async fn serve(options: ServeOptions) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = serve_router(router(), listener, stop.clone(), options);
    (address, stop.clone(), tokio::spawn(serving))
}

/// A connection from an address of this machine, with the beginning of a head on it.
async fn half_open(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("an address");
    let mut stream = socket.connect(to).await.expect("a connection");
    stream.write_all(b"GET / HT").await.expect("it is sent");
    stream
}

#[tokio::test]
async fn a_thousand_half_open_connections_keep_nobody_out() {
    // As in `serve`; both ends of each connection are in this process.
    raise_descriptor_limit().expect("a limit");
    let options = ServeOptions {
        max_connections: 1_000,
        max_connections_of_a_client: 500,
        ..ServeOptions::default()
    };
    let (address, stop, serving) = serve(options).await;
    let mut open = Vec::new();
    // The good client's own address is among them.
    let addresses = [1, 2, 3].map(|last| Ipv4Addr::new(127, 0, 0, last));
    for from in addresses.into_iter().cycle().take(1_100) {
        open.push(half_open(from, address).await);
    }
    let served = timeout(Duration::from_secs(5), request_once(address)).await;
    served.expect("at once").expect("an answer");
    stop.cancel();
    drop(open);
    serving.await.expect("the server");
}

async fn request_once(address: SocketAddr) -> hyper::Result<http::Response<Incoming>> {
    let mut sender = connection_to(address).await.expect("a connection");
    sender.send_request(request()).await
}

fn request() -> Request<Empty<Bytes>> {
    let request = Request::get("/").header(header::HOST, "here");
    request.body(Empty::new()).expect("a request")
}

async fn connection_to(address: SocketAddr) -> Option<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (sender, connection) = client::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

/// Sends request after request, each on the connection of the one before if the server keeps it, to the
/// pod that has new connections just now; gives how many were answered, and how many were lost.
async fn keep_asking(port: Arc<AtomicU16>, over: Arc<AtomicBool>) -> (usize, usize) {
    let (mut answered, mut lost) = (0, 0);
    let mut kept: Option<SendRequest<Empty<Bytes>>> = None;
    while !over.load(SeqCst) {
        let address = (IpAddr::from([127, 0, 0, 1]), port.load(SeqCst)).into();
        // What the server has closed while nothing was asked is seen by the client before it asks.
        let usable = kept.take().filter(|sender| !sender.is_closed());
        let mut sender = match usable {
            Some(sender) => sender,
            None => connection_to(address).await.expect("a connection"),
        };
        match sender.send_request(request()).await {
            Ok(answer) => {
                let closes = answer.headers().contains_key(header::CONNECTION);
                let body = answer.into_body().collect().await;
                body.expect("a body");
                answered += 1;
                kept = Some(sender).filter(|_| !closes);
            }
            Err(_) => lost += 1,
        }
        tokio::task::yield_now().await;
    }
    (answered, lost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_keep_their_connections_lose_no_request_in_a_rolling_restart() {
    let options = ServeOptions {
        lame_duck: Duration::from_millis(200),
        ..ServeOptions::default()
    };
    let (mut address, mut stop, mut serving) = serve(options).await;
    let port = Arc::new(AtomicU16::new(address.port()));
    let over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for _ in 0..32 {
        clients.spawn(keep_asking(Arc::clone(&port), Arc::clone(&over)));
    }
    for _ in 0..5 {
        sleep(Duration::from_millis(100)).await;
        let old = (stop, serving);
        (address, stop, serving) = serve(options).await;
        // New connections go to the new pod once the old one is said to go.
        old.0.cancel();
        port.store(address.port(), SeqCst);
        old.1.await.expect("the old server");
    }
    over.store(true, SeqCst);
    let (mut answered, mut lost) = (0, 0);
    while let Some(client) = clients.join_next().await {
        let of_client = client.expect("a client");
        answered += of_client.0;
        lost += of_client.1;
    }
    stop.cancel();
    serving.await.expect("the server");
    assert!(answered > 1_000, "{answered} answers: too few to tell");
    assert_eq!(lost, 0, "of {answered}");
}
