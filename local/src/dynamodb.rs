//! `DynamoDB`: dynoxide's own server, on a thread of its own, with requests forwarded to it.
//!
//! Forwarding keeps its checks and its wording of errors. It works synchronously on `SQLite`, so it
//! must not share a runtime with anything that has to answer soon. Its port is on loopback only and
//! asks for no signature: it cannot be had without a port, since its router is private, and a call
//! of its library for each operation would lose the checks and wording that are its server's.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use dynoxide::Database;
use dynoxide::storage::Storage;
use dynoxide::storage_backend;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::ServiceError;
use crate::http_types::Response;
use crate::state::State;
use crate::{Clock, Error};

/// How often items past their time to live are looked for. AWS promises "within a few days".
const SWEEP: Duration = Duration::from_secs(5);

/// The running engine and the way to it.
pub(crate) struct Engine {
    client: Client<HttpConnector, Full<Bytes>>,
    addr: SocketAddr,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Opens the database file and serves it until `stopping`.
    pub(crate) async fn start(
        path: &Path,
        clock: &Clock,
        stopping: &CancellationToken,
    ) -> Result<Self, Error> {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listen = |source| Error::Listen {
            addr: loopback,
            source,
        };
        let listener = TcpListener::bind(loopback).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let listener = listener.into_std().map_err(listen)?;
        let name = path.to_string_lossy().into_owned();
        let refused = |e: dynoxide::DynoxideError| Error::State {
            path: PathBuf::from(&name),
            reason: e.to_string(),
        };
        let database = Database::new(&name).map_err(refused)?;
        // Sets `synchronous=NORMAL`: safe against the death of the process, one fsync less a write.
        database.disable_bulk_loading().map_err(refused)?;
        // The sweeper has a connection of its own, because only there can the clock be given.
        let sweeper = Storage::new(&name).map_err(refused)?;
        sweeper.disable_bulk_loading().map_err(refused)?;
        let sweeper = sweeper.with_clock(Arc::new(Seconds(clock.clone())));
        let (clock, stopping) = (clock.clone(), stopping.clone());
        let thread = std::thread::Builder::new()
            .name("local-aws-dynamodb".to_owned())
            .spawn(move || serve(listener, database, &sweeper, &clock, &stopping))
            .map_err(listen)?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self {
            client,
            addr,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Waits for the thread to end, which it does when `stopping` is cancelled. Blocks.
    pub(crate) fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the DynamoDB thread had panicked");
        }
    }
}

fn serve(
    listener: std::net::TcpListener,
    database: Database,
    sweeper: &Storage,
    clock: &Clock,
    stopping: &CancellationToken,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let served = runtime.map_err(|e| e.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).map_err(|e| e.to_string())?;
            let stopped = stopping.clone().cancelled_owned();
            let server = dynoxide::server::serve_with_shutdown(listener, database, stopped);
            tokio::pin!(server);
            tokio::select! {
                ended = &mut server => return ended,
                () = sweep(sweeper, clock) => {}
                () = stopping.cancelled() => {}
            }
            server.await
        })
    });
    if let Err(error) = served {
        tracing::error!(error, "DynamoDB ended");
    }
}

async fn sweep(storage: &Storage, clock: &Clock) {
    loop {
        clock.sleep(SWEEP).await;
        match dynoxide::ttl::sweep_expired_items(storage).await {
            Ok(0) => {}
            Ok(expired) => tracing::debug!(expired, "items past their time to live are gone"),
            Err(error) => tracing::warn!(%error, "the time-to-live sweep failed"),
        }
    }
}

/// Our clock as dynoxide wants it.
struct Seconds(Clock);

impl storage_backend::Clock for Seconds {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now_ms() / 1000).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_millis(u64::try_from(self.0.now_ms()).unwrap_or_default()).as_secs_f64()
    }
}

fn unreachable(error: &dyn std::error::Error) -> ServiceError {
    tracing::error!(%error, "DynamoDB cannot be reached");
    ServiceError::internal()
}

/// Passes a request, whose signature has been checked, on to the engine.
pub(crate) async fn forward(
    state: &State,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ServiceError> {
    let engine = &state.dynamodb;
    let uri = Uri::builder()
        .scheme("http")
        .authority(engine.addr.to_string())
        .path_and_query("/");
    let uri = uri.build().map_err(|e| unreachable(&e))?;
    let mut request = http::Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    for name in ["x-amz-target", "authorization", "x-amz-date"] {
        if let Some(value) = headers.get(name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    if let Some(value) = headers.get(header::CONTENT_TYPE) {
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, value.clone());
    }
    let answer = engine
        .client
        .request(request)
        .await
        .map_err(|e| unreachable(&e))?;
    let (mut parts, body) = answer.into_parts();
    let body = if parts.status == StatusCode::BAD_REQUEST {
        let error = body
            .collect()
            .await
            .map_err(|e| unreachable(&e))?
            .to_bytes();
        // As with AWS there is no message; here people want to know which operation it is.
        if error.ends_with(b"#UnknownOperationException\"}") {
            let target = headers.get("x-amz-target").map(HeaderValue::as_bytes);
            let target = String::from_utf8_lossy(target.unwrap_or_default()).into_owned();
            let operation = target.split('.').next_back().unwrap_or_default();
            return Err(ServiceError::unknown_operation("dynamodb", operation));
        }
        error.into()
    } else {
        s3s::Body::http_body_unsync(body)
    };
    for name in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::SERVER,
    ] {
        parts.headers.remove(name);
    }
    parts.headers.remove("x-dynoxide-version");
    Ok(Response::from_parts(parts, body))
}
