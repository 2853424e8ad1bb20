//! `DynamoDB`: dynoxide's engine in this process, on a thread of its own.
//!
//! It works synchronously on `SQLite`, so it must not share a runtime with anything that has to answer
//! soon. The thread owns the one connection to the file: `SQLite` 3.49, which dynoxide bundles, can
//! damage a file in WAL mode that two connections write to (mended in 3.51.3).

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dynoxide::actions::{self, vector_lifecycle::VectorIndexLifecycle};
use dynoxide::storage::Storage;
use dynoxide::{DynoxideError, storage_backend};
use futures::FutureExt as _;
use http::StatusCode;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::config::Error;
use crate::error::ServiceError;
use crate::http_types::Response;
use crate::service::{self, Input, Reply, Service, ServiceName};

/// How often items past their time to live are looked for. AWS promises "within a few days".
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Calls that may wait for the thread.
const MAX_WAITING: usize = 1_024;

/// The running engine and the way to it.
pub(crate) struct Engine {
    calls: Mutex<Option<mpsc::Sender<Call>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Call {
    operation: String,
    body: Bytes,
    reply: oneshot::Sender<Result<Outcome, ServiceError>>,
}

/// What the engine says to a call, in JSON: a result, or an error with its status.
type Outcome = (StatusCode, String);

impl Engine {
    /// Opens the database file, or makes it.
    pub(crate) fn open(path: &Path, clock: &Clock) -> Result<Self, Error> {
        let failed = |reason: String| Error::State {
            path: path.to_owned(),
            reason,
        };
        let storage = Storage::new(&path.to_string_lossy()).map_err(|e| failed(e.to_string()))?;
        // Sets `synchronous=NORMAL`: safe against the death of the process, one fsync less a write.
        storage
            .disable_bulk_loading()
            .map_err(|e| failed(e.to_string()))?;
        let storage = storage.with_clock(Arc::new(Seconds(clock.clone())));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|e| failed(e.to_string()))?;
        let (calls, waiting) = mpsc::channel(MAX_WAITING);
        let clock = clock.clone();
        let thread = std::thread::Builder::new()
            .name("local-aws-dynamodb".to_owned())
            .spawn(move || runtime.block_on(serve_calls(&storage, &clock, waiting)))
            .map_err(|e| failed(e.to_string()))?;
        Ok(Self {
            calls: Mutex::new(Some(calls)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Answers a call whose signature has been checked. Once called it happens, even if the caller
    /// goes away.
    async fn call(&self, operation: &str, body: Bytes) -> Result<Response, ServiceError> {
        let calls = lock(&self.calls).clone();
        let (reply, answered) = oneshot::channel();
        let call = Call {
            operation: operation.to_owned(),
            body,
            reply,
        };
        let ended = || {
            tracing::error!("the DynamoDB thread has ended");
            ServiceError::internal()
        };
        let calls = calls.ok_or_else(ended)?;
        calls.send(call).await.map_err(|_| ended())?;
        let (status, json) = answered.await.map_err(|_| ended())??;
        let checksum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, json.as_bytes());
        let mut response = Response::new(json.into());
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert("x-amz-crc32", checksum.into());
        Ok(response)
    }

    /// Takes no more calls, and waits until those that wait are answered. Blocks.
    pub(crate) fn close(&self) {
        lock(&self.calls).take();
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the DynamoDB thread had panicked");
        }
    }
}

#[async_trait]
impl Service for Engine {
    fn name(&self) -> ServiceName {
        ServiceName::DynamoDb
    }

    async fn run_operation(self: Arc<Self>, call: service::Call) -> Result<Reply, ServiceError> {
        match call.input {
            Input::Json(body) => Ok(Reply::Response(self.call(&call.operation, body).await?)),
            Input::Form { .. } => Err(ServiceError::unknown_operation("dynamodb", &call.operation)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers calls until there can be no more, and removes expired items now and then.
async fn serve_calls(storage: &Storage, clock: &Clock, mut waiting: mpsc::Receiver<Call>) {
    let vectors = VectorIndexLifecycle::new();
    let mut sweep_due = Box::pin(clock.sleep(SWEEP_INTERVAL));
    loop {
        tokio::select! {
            call = waiting.recv() => {
                let Some(call) = call else { return };
                let run = run_call(storage, &vectors, &call.operation, &call.body);
                let outcome = AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|_| {
                    tracing::error!(call.operation, "DynamoDB panicked");
                    Err(ServiceError::internal())
                });
                // The caller may have gone away.
                let _ = call.reply.send(outcome);
            }
            () = &mut sweep_due => {
                sweep_due = Box::pin(clock.sleep(SWEEP_INTERVAL));
                match dynoxide::ttl::sweep_expired_items(storage).await {
                    Ok(0) => {}
                    Ok(expired) => tracing::debug!(expired, "items past their time to live are gone"),
                    Err(error) => tracing::error!(%error, "the time-to-live sweep failed"),
                }
            }
        }
    }
}

async fn run_call(
    storage: &Storage,
    vectors: &VectorIndexLifecycle,
    operation: &str,
    body: &[u8],
) -> Result<Outcome, ServiceError> {
    macro_rules! run {
        ($action:ident $(, $more:expr)?) => {
            match parse_request(operation, body) {
                Ok(request) => actions::$action::execute(storage, request $(, $more)?)
                    .await
                    .map(|response| serde_json::to_string(&response)),
                Err(error) => Err(error),
            }
        };
    }
    let outcome = match operation {
        "CreateTable" => run!(create_table),
        "DeleteTable" => run!(delete_table, vectors),
        "DescribeTable" => run!(describe_table, vectors),
        "ListTables" => run!(list_tables),
        "UpdateTable" => run!(update_table, vectors),
        "DescribeTimeToLive" => run!(describe_time_to_live),
        "UpdateTimeToLive" => run!(update_time_to_live),
        "GetItem" => run!(get_item),
        "PutItem" => run!(put_item),
        "UpdateItem" => run!(update_item),
        "DeleteItem" => run!(delete_item),
        "BatchGetItem" => run!(batch_get_item),
        "BatchWriteItem" => run!(batch_write_item),
        "Query" => run!(query),
        "Scan" => run!(scan),
        _ => return Err(ServiceError::unknown_operation("dynamodb", operation)),
    };
    match outcome {
        Ok(json) => Ok((StatusCode::OK, json?)),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            if status.is_server_error() {
                tracing::error!(operation, %error, "DynamoDB failed");
                return Err(ServiceError::internal());
            }
            tracing::debug!(operation, %error, "DynamoDB refused");
            Ok((status, error.to_json()))
        }
    }
}

/// Reads a request. The types of dynoxide say by the beginning of a message which error it is.
fn parse_request<T: DeserializeOwned>(operation: &str, body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(message, _)| message);
        let marked = |marker: &str| message.strip_prefix(marker).map(str::to_owned);
        if let Some(message) = marked("VALIDATION_REQUEST:") {
            let enveloped = matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem");
            return DynoxideError::ValidationException(if enveloped {
                format!("1 validation error detected: {message}")
            } else {
                message
            });
        }
        if let Some(message) = marked("VALIDATION:").or_else(|| marked("VALIDATION_AS_READ:")) {
            return DynoxideError::ValidationException(message);
        }
        if let Some(message) = marked("SERIALIZATION:").or_else(|| marked("SERIALIZATION_AS_READ:"))
        {
            return DynoxideError::SerializationException(message);
        }
        let validation = ["missing field", "unknown variant", "invalid type: null"];
        if validation.iter().any(|text| message.contains(text)) {
            return DynoxideError::ValidationException(message.to_owned());
        }
        DynoxideError::SerializationException(message.to_owned())
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_called_is_answered_before_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Engine::open(&folder.path().join("d.db"), &Clock::default()).expect("open");
        let list = || engine.call("ListTables", Bytes::from_static(b"{}"));
        assert_eq!(list().await.expect("a list").status(), StatusCode::OK);
        engine.close();
        assert!(list().await.is_err());
    }
}
