//! A source as an address that ffmpeg can read and seek in.
//!
//! ffmpeg reads files and HTTP, and a source is neither. So a server on the loopback interface
//! serves this one object under a name that cannot be guessed, out of a bounded cache of blocks:
//! no copy on disk, and an index at the end of the file costs a second request, not a download.

mod blocks;
mod range;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http_body_util::{Either, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use blocks::{Blocks, Shape};

use crate::error::ExtractError;
use crate::io::source::SourceError;

/// Bytes that may lie before the socket; the least that the server accepts is 8 KiB.
const WRITE_BUFFER: usize = 16 << 10;

type Body = Either<StreamBody<BoxStream<'static, Result<Frame<Bytes>, SourceError>>>, Empty<Bytes>>;

/// A source on the loopback interface, until it is dropped.
#[derive(Debug)]
pub(crate) struct Loopback {
    address: SocketAddr,
    name: String,
    blocks: Arc<Blocks>,
    _server: AbortOnDropHandle<()>,
}

impl Loopback {
    /// Serves `blocks` on a free port.
    pub(crate) fn start(blocks: Blocks) -> Result<Self, ExtractError> {
        let listener =
            listen(blocks.socket()).map_err(|e| ExtractError::Machine(format!("loopback: {e}")))?;
        let address = listener
            .local_addr()
            .map_err(|e| ExtractError::Machine(e.to_string()))?;
        let name = uuid::Uuid::new_v4().simple().to_string();
        let blocks = Arc::new(blocks);
        let server = tokio::spawn(serve(listener, format!("/{name}"), Arc::clone(&blocks)));
        Ok(Self {
            address,
            name,
            blocks,
            _server: AbortOnDropHandle::new(server),
        })
    }

    /// The address to give to ffmpeg.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}", self.address, self.name)
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The first error of the source, which ffmpeg has seen as an early end.
    pub(crate) fn failure(&self) -> Option<SourceError> {
        self.blocks.failure()
    }
}

fn listen(send_buffer: u32) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(send_buffer)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(16)
}

async fn serve(listener: TcpListener, path: String, blocks: Arc<Blocks>) {
    let path: Arc<str> = path.into();
    // Dropped with the server, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&path), Arc::clone(&blocks)));
                }
                Err(error) => tracing::warn!(%error, "the loopback server cannot accept"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, path: Arc<str>, blocks: Arc<Blocks>) {
    let service = service_fn(move |request| {
        let response = answer(&request, &path, &blocks);
        async move { Ok::<_, Infallible>(response) }
    });
    // ffmpeg hangs up whenever it seeks; errors of the source are kept by `blocks`.
    let _ = hyper::server::conn::http1::Builder::new()
        .max_buf_size(WRITE_BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(request: &Request<Incoming>, path: &str, blocks: &Arc<Blocks>) -> Response<Body> {
    if request.uri().path() != path {
        return empty(StatusCode::NOT_FOUND);
    }
    let head = request.method() == Method::HEAD;
    if !head && request.method() != Method::GET {
        let mut refused = empty(StatusCode::METHOD_NOT_ALLOWED);
        refused
            .headers_mut()
            .insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let length = blocks.len();
    let wanted = request
        .headers()
        .get(RANGE)
        .map(|value| value.to_str().unwrap_or_default());
    let (range, status) = match wanted.map(|text| range::parse(text, length)) {
        None => (0..length, StatusCode::OK),
        Some(Some(range)) => (range, StatusCode::PARTIAL_CONTENT),
        Some(None) => {
            let mut refused = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            if let Ok(value) = format!("bytes */{length}").parse() {
                refused.headers_mut().insert(CONTENT_RANGE, value);
            }
            return refused;
        }
    };
    let mut response = Response::builder()
        .status(status)
        .header(ACCEPT_RANGES, "bytes")
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(CONTENT_LENGTH, range.end - range.start);
    if status == StatusCode::PARTIAL_CONTENT {
        let shown = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        response = response.header(CONTENT_RANGE, shown);
    }
    let body = if head {
        Either::Right(Empty::new())
    } else {
        Either::Left(StreamBody::new(body(Arc::clone(blocks), range).boxed()))
    };
    response
        .body(body)
        .unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

/// The bytes of `range`, block by block. Whoever reads on beyond a first block gets the next ones
/// fetched ahead.
fn body(
    blocks: Arc<Blocks>,
    range: std::ops::Range<u64>,
) -> impl futures::Stream<Item = Result<Frame<Bytes>, SourceError>> + Send {
    let start = range.start;
    stream::try_unfold((blocks, start), move |(blocks, at)| async move {
        if at >= range.end {
            return Ok(None);
        }
        let mut bytes = blocks.read(at, at > start).await?;
        bytes.truncate(usize::try_from(range.end - at).unwrap_or(usize::MAX));
        let next = at + bytes.len() as u64;
        Ok(Some((Frame::data(bytes), (blocks, next))))
    })
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
