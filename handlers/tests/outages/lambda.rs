//! Lambda: queues that are mapped to functions, one of which runs under the runtime API.

use std::collections::{HashMap, HashSet};
use std::net::TcpListener as StdListener;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::http::StatusCode;
use aws_lambda_events::sqs::SqsEvent;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use fotograma::aws::SqsQueue;
use fotograma_core::features::{TABLE, find};
use lambda_anywhere::worker::Queue;
use lambda_anywhere::{Feature, invoke, lambda};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::world::World;

/// What Lambda sets to the address of its runtime API.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// The function that makes frames, and the longest that one call of it takes (`cdk/lib/limits.ts`).
const UNDER_RUNTIME_API: &str = "process-video";
const TIMEOUT: Duration = Duration::from_mins(15);
/// The same of the others.
const SHORT_TIMEOUT: Duration = Duration::from_mins(1);
/// How many calls of a function there are at once.
const CONCURRENCY: usize = 5;

/// How long a queue hides what a function was given: six times its timeout.
pub(crate) fn visibility(feature: &str) -> Duration {
    6 * if feature == UNDER_RUNTIME_API {
        TIMEOUT
    } else {
        SHORT_TIMEOUT
    }
}

/// Sets what Lambda sets, with an address that is free.
pub(crate) fn set_environment(program: &mut Command) -> std::io::Result<()> {
    let address = StdListener::bind(("127.0.0.1", 0))?.local_addr()?;
    program
        .env(RUNTIME_API, address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", UNDER_RUNTIME_API)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "log")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "log")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", CONCURRENCY.to_string())
        .env("_HANDLER", UNDER_RUNTIME_API);
    Ok(())
}

/// Maps each feature's queue to its function, until the tasks are dropped.
pub(crate) async fn map_queues(world: &Arc<World>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let address = std::env::var(RUNTIME_API).expect("the runtime API's address");
    let listener = TcpListener::bind(address).await.expect("its port");
    let api = Arc::new(RuntimeApi::new());
    let serving = axum::serve(listener, api.clone().router());
    tasks.spawn(async move { serving.await.expect("the runtime API") });
    let host = world.system.host.clone();
    tasks.spawn_local(async move {
        let served = lambda::serve_runtime_api(host, UNDER_RUNTIME_API, || {}).await;
        served.expect("the function");
    });
    for feature in TABLE.iter().filter(|feature| feature.queue().is_some()) {
        for _ in 0..CONCURRENCY {
            tasks.spawn(map_queue(Arc::clone(world), feature.name, Arc::clone(&api)));
        }
    }
    tasks
}

/// Gives a function what its queue has, and deletes what it does not report as failed.
async fn map_queue(world: Arc<World>, feature: &'static str, api: Arc<RuntimeApi>) {
    let queue = find(feature).and_then(Feature::queue);
    let queue = SqsQueue::new(Arc::clone(&world.system.aws), queue.expect("a queue"));
    let visibility = visibility(feature);
    // As the stacks have it: what waits behind a slow video in a batch would be hidden for long.
    let batch_size = if feature == UNDER_RUNTIME_API { 1 } else { 10 };
    loop {
        let received = queue
            .receive(batch_size, Duration::from_secs(20), visibility)
            .await;
        let Ok(messages) = received else {
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        if messages.is_empty() {
            continue;
        }
        let receipts: Vec<_> = messages
            .iter()
            .map(|message| (message.message_id.clone(), message.receipt_handle.clone()))
            .collect();
        let mut event = SqsEvent::default();
        event.records = messages;
        let event = serde_json::to_value(&event).expect("JSON");
        let answer = if feature == UNDER_RUNTIME_API {
            api.invoke(event).await
        } else {
            let invoked = invoke::invoke(&world.system.host, feature, event);
            let invoked = tokio::time::timeout(SHORT_TIMEOUT, invoked).await;
            invoked.ok().and_then(Result::ok)
        };
        let Some(answer) = answer else { continue };
        let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
        let failed: HashSet<_> = failures
            .filter_map(|failure| failure["itemIdentifier"].as_str())
            .collect();
        let done: Vec<String> = receipts
            .into_iter()
            .filter(|(id, _)| !failed.contains(id.as_deref().unwrap_or_default()))
            .filter_map(|(_, receipt)| receipt)
            .collect();
        while !done.is_empty() && queue.delete(&done).await.is_err() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

type Answer = oneshot::Sender<Option<Value>>;

/// Lambda's runtime API, for as many calls as there are:
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
struct RuntimeApi {
    send: mpsc::UnboundedSender<(Value, Answer)>,
    calls: tokio::sync::Mutex<mpsc::UnboundedReceiver<(Value, Answer)>>,
    begun: Mutex<HashMap<String, Answer>>,
}

impl RuntimeApi {
    fn new() -> Self {
        let (send, calls) = mpsc::unbounded_channel();
        Self {
            send,
            calls: tokio::sync::Mutex::new(calls),
            begun: Mutex::default(),
        }
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(take_response),
            )
            .route(
                "/2018-06-01/runtime/invocation/{id}/error",
                post(take_error),
            )
            .with_state(self)
    }

    /// Calls the function; `None`: it failed.
    async fn invoke(&self, event: Value) -> Option<Value> {
        let (answer, answered) = oneshot::channel();
        self.send.send((event, answer)).ok()?;
        answered.await.ok().flatten()
    }

    fn answer(&self, id: &str, answer: Option<Value>) -> StatusCode {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        match begun.remove(id) {
            None => StatusCode::BAD_REQUEST,
            Some(waits) => {
                let _ = waits.send(answer);
                StatusCode::ACCEPTED
            }
        }
    }
}

async fn next(State(api): State<Arc<RuntimeApi>>) -> impl IntoResponse {
    let call = api.calls.lock().await.recv().await;
    let (event, answer) = call.expect("the sender lives");
    let id = uuid::Uuid::now_v7().to_string();
    api.begun
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(id.clone(), answer);
    let deadline = SystemTime::now() + TIMEOUT;
    let deadline = deadline.duration_since(UNIX_EPOCH).expect("a time");
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:function".to_owned(),
        ),
    ];
    (headers, json!(event).to_string())
}

async fn take_response(
    State(api): State<Arc<RuntimeApi>>,
    Path(id): Path<String>,
    reply: Bytes,
) -> StatusCode {
    api.answer(&id, serde_json::from_slice(&reply).ok())
}

async fn take_error(State(api): State<Arc<RuntimeApi>>, Path(id): Path<String>) -> StatusCode {
    api.answer(&id, None)
}
