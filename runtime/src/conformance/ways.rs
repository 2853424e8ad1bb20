//! The ways in which an event comes to a handler.

use std::collections::BTreeMap;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::gateway::{Seen, request_of_event, seen_of_answer, seen_of_reply};
use super::runtime_api::{Reply, RuntimeApi, input_ends};
use super::{Case, Stage};
use crate::server::Server;
use crate::worker::{
    MemoryQueue, Queue, VisibilityChange, VisibilityOutcome, Worker, WorkerOptions,
};
use crate::{Authenticator, Caller, Context, Error, Feature, Result, Trigger, invoke, lambda};

/// How long one event may take.
const LONGEST: Duration = Duration::from_secs(30);

/// What came of an event.
#[derive(Debug)]
pub struct Outcome {
    /// What has happened, a line for each effect.
    pub effects: Vec<String>,
    /// The reply in a line: a payload, `error`, or what an HTTP client sees of the answer, as
    /// `<status> [-> <location>] <body>`.
    pub reply: String,
    /// The answer's headers, by name.
    pub headers: BTreeMap<String, String>,
}

impl Outcome {
    /// Of an event that is no HTTP request.
    fn of_event(effects: Vec<String>, reply: String) -> Self {
        Self {
            effects,
            reply,
            headers: BTreeMap::new(),
        }
    }

    fn of_request(effects: Vec<String>, seen: Seen) -> Self {
        Self {
            effects,
            reply: seen.line,
            headers: seen.headers,
        }
    }

    /// Of a function's reply; `None`: it failed.
    fn of_reply<C: Context>(case: &Case<C>, effects: Vec<String>, reply: Option<&Value>) -> Self {
        match reply {
            None => Self::of_event(effects, "error".to_owned()),
            Some(reply) if case.feature.route().is_some() => {
                Self::of_request(effects, seen_of_reply(reply))
            }
            Some(reply) => Self::of_event(effects, reply.to_string()),
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.effects, &self.reply, &self.headers)
            == (&other.effects, &other.reply, &other.headers)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for effect in &self.effects {
            writeln!(f, "  {effect}")?;
        }
        for (name, value) in &self.headers {
            writeln!(f, "  header {name}: {value}")?;
        }
        write!(f, "  reply {}", self.reply)
    }
}

/// The plain call that all adapters share.
pub(super) async fn invoke_plainly<C: Context>(case: &Case<C>, stage: Stage<C>) -> Outcome {
    let invoked = invoke::invoke(&stage.host, case.feature.name, case.event.clone()).await;
    Outcome::of_reply(case, (stage.effects)(), invoked.ok().as_ref())
}

/// A process of its own under Lambda's runtime API.
pub(super) async fn through_lambda<C: Context>(case: &Case<C>) -> Outcome {
    let api = RuntimeApi::serve(std::slice::from_ref(&case.event), LONGEST).await;
    let api = api.expect("a port for the runtime API");
    let program = Command::new(std::env::current_exe().expect("this program"));
    let handler = case.path.to_string_lossy();
    let function = api.start_function(program, &handler, 1);
    let function = function.expect("this program once more");
    let replies = tokio::time::timeout(LONGEST, api.replies(1)).await;
    let output = RuntimeApi::end_function(function)
        .await
        .expect("its output");
    // Handlers may write to standard output too; the last line is ours.
    let effects = output.lines().last().unwrap_or_default();
    let effects = serde_json::from_str(effects).unwrap_or_default();
    let reply = match replies.as_deref() {
        Ok([Reply::Response(reply)]) => Some(reply),
        _ => None,
    };
    Outcome::of_reply(case, effects, reply)
}

/// What the process of [`through_lambda`] does.
pub(super) fn be_a_function<C: Context>(
    table: &'static [Feature<C>],
    set: &(dyn Fn(&Case<C>) -> Stage<C> + Send + Sync),
) -> ExitCode {
    let path = std::env::var("_HANDLER").expect("an event's path");
    let case = Case::read(path.as_ref(), table);
    let Stage { host, effects } = set(&case);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = lambda::serve_runtime_api(host, case.feature.name, || {}) => ended,
            () = input_ends() => Ok(()),
        }
    });
    println!("\n{}", json!(effects()));
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.chain());
            ExitCode::FAILURE
        }
    }
}

/// Knows one token: that of the caller whom the event names.
struct EventsCaller(Option<Caller>);

#[async_trait]
impl Authenticator for EventsCaller {
    async fn caller(&self, _token: &str) -> Result<Caller> {
        let refused = || Error::rejected(StatusCode::UNAUTHORIZED, "the token is not valid");
        self.0.clone().ok_or_else(refused)
    }
}

/// One event through a server: a request for an HTTP event, the Invoke path for other events.
///
/// # Panics
/// When no server can be started, or the event stands for no request.
pub async fn through_server<C: Context>(case: &Case<C>, stage: Stage<C>) -> Outcome {
    let caller = case.caller();
    let authorized = caller.is_some();
    let host = stage
        .host
        .with_authenticator(Arc::new(EventsCaller(caller)));
    let server = Server {
        invoke: true,
        // Each answer has an end, as behind a gateway.
        max_listeners: 0,
        ..Server::new(host, case.feature.service)
    };
    let is_http = case.feature.route().is_some();
    let request = if is_http {
        request_of_event(&case.event, authorized)
    } else {
        let name = case.feature.name;
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let body = Full::from(case.event.to_string());
        Request::post(path).body(body).expect("a request")
    };
    let (parts, body) = answer_of(server, request).await;
    let effects = (stage.effects)();
    if is_http {
        let seen = seen_of_answer(parts.status, &parts.headers, &body);
        return Outcome::of_request(effects, seen);
    }
    let reply = if parts.headers.contains_key("x-amz-function-error") {
        "error".to_owned()
    } else {
        String::from_utf8_lossy(&body).into_owned()
    };
    Outcome::of_event(effects, reply)
}

/// The answer of a server, which runs as long as this one request takes.
///
/// # Panics
/// When the server gives no answer.
pub async fn answer_of<C: Context>(
    server: Server<C>,
    request: Request<Full<bytes::Bytes>>,
) -> (http::response::Parts, bytes::Bytes) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve_until(listener, stop.clone()));
    let stream = TcpStream::connect(address).await.expect("a connection");
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    let response = sender.send_request(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    stop.cancel();
    drop(sender);
    serving.await.expect("the server");
    (parts, body)
}

/// A worker on a queue in memory; `None` for features that take no messages. The reply is what
/// becomes of the messages.
pub(super) async fn through_worker<C: Context>(case: &Case<C>, stage: Stage<C>) -> Option<Outcome> {
    let messages = messages_of_event(case)?;
    let stop = CancellationToken::new();
    let queue = SettlingQueue {
        inner: MemoryQueue::new(),
        left: std::sync::Mutex::new(messages.len()),
        stop: stop.clone(),
    };
    let count = messages.len();
    let ids: Vec<_> = messages
        .into_iter()
        .map(|message| queue.inner.send_message(message))
        .collect();
    if ids.is_empty() {
        stop.cancel();
    }
    let queue = Arc::new(queue);
    let options = WorkerOptions {
        concurrency: count.max(1),
        batch_size: count.max(1),
        ..WorkerOptions::default()
    };
    let worker = Worker::for_feature(stage.host, case.feature, queue.clone(), options);
    let working = tokio::time::timeout(LONGEST, worker.run_until(stop));
    working.await.expect("the worker ends");
    let deleted = queue.inner.deleted();
    let failed: Vec<_> = ids.iter().filter(|id| !deleted.contains(id)).collect();
    let reply = if is_sqs(&case.event) {
        let failures: Vec<_> = failed
            .iter()
            .map(|id| json!({ "itemIdentifier": id }))
            .collect();
        json!({ "batchItemFailures": failures }).to_string()
    } else if failed.is_empty() {
        "null".to_owned()
    } else {
        "error".to_owned()
    };
    Some(Outcome::of_event((stage.effects)(), reply))
}

fn is_sqs(event: &Value) -> bool {
    event.pointer("/Records/0/eventSource") == Some(&json!("aws:sqs"))
}

/// The event as messages of the feature's queue.
fn messages_of_event<C: Context>(case: &Case<C>) -> Option<Vec<SqsMessage>> {
    let wrap = |body: Value| json!({ "body": body.to_string() });
    let records = case.event.get("Records").and_then(Value::as_array);
    let messages: Vec<Value> = match case.feature.trigger {
        Trigger::Http(_) | Trigger::Schedule { .. } => return None,
        _ if is_sqs(&case.event) => records?.clone(),
        Trigger::Sqs { .. } => return None,
        Trigger::Sns { .. } => records?
            .iter()
            .map(|record| wrap(record["Sns"].clone()))
            .collect(),
        Trigger::S3 { .. } => vec![wrap(case.event.clone())],
    };
    let read = |message| serde_json::from_value(message).expect("a message");
    Some(messages.into_iter().map(read).collect())
}

/// A queue that ends its worker when each message is deleted or given back.
struct SettlingQueue {
    inner: MemoryQueue,
    left: std::sync::Mutex<usize>,
    stop: CancellationToken,
}

impl SettlingQueue {
    fn settled(&self, count: usize) {
        let mut left = self.left.lock().expect("the count");
        *left = left.saturating_sub(count);
        if *left == 0 {
            self.stop.cancel();
        }
    }
}

#[async_trait]
impl Queue for SettlingQueue {
    async fn receive(
        &self,
        _max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<SqsMessage>> {
        if self.stop.is_cancelled() {
            return Ok(Vec::new());
        }
        // As many as there are, so that a batch is one event as it was in Lambda; and each once.
        self.inner.receive(usize::MAX, wait, visibility).await
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        let left = self.inner.delete(receipts).await?;
        self.settled(receipts.len());
        Ok(left)
    }

    async fn change_visibility(
        &self,
        changes: &[VisibilityChange],
    ) -> Result<Vec<VisibilityOutcome>> {
        // What failed would come again; here it is tried once.
        let hidden: Vec<_> = changes
            .iter()
            .map(|change| VisibilityChange {
                receipt: change.receipt.clone(),
                visibility: Duration::from_hours(12),
            })
            .collect();
        self.inner.change_visibility(&hidden).await?;
        self.settled(changes.len());
        Ok(vec![VisibilityOutcome::Changed; changes.len()])
    }
}
