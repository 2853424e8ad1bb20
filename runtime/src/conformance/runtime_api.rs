//! Lambda's runtime API, for some invocations:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::collections::{HashMap, VecDeque};
use std::io::Error as IoError;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long a function has after SIGTERM.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// The runtime API of one execution environment.
pub struct RuntimeApi {
    address: SocketAddr,
    state: Arc<ApiState>,
    serving: JoinHandle<()>,
}

/// What a function said to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Its response.
    Response(Value),
    /// It failed, with this error.
    Error(Value),
}

struct ApiState {
    events: Mutex<Events>,
    arrived: Notify,
    replies: Mutex<HashMap<usize, Reply>>,
    /// The time from an event's being taken to its deadline.
    timeout: Duration,
    replied: Notify,
    /// Whether an extension was registered before the first event was asked for.
    has_extension: AtomicBool,
}

#[derive(Default)]
struct Events {
    /// How many there have been.
    count: usize,
    /// Those that nobody has taken yet, with their numbers.
    waiting: VecDeque<(usize, String)>,
}

impl Events {
    /// Adds an event; its number.
    fn add(&mut self, event: &Value) -> usize {
        let number = self.count;
        self.count += 1;
        self.waiting.push_back((number, event.to_string()));
        number
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl RuntimeApi {
    /// Serves these events, on a free port of this machine; each invocation may take `timeout`.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn serve(events: &[Value], timeout: Duration) -> Result<Self, IoError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Self::serve_on(listener, events, timeout)
    }

    /// The same on a port that is there.
    ///
    /// # Errors
    /// When the port tells no address.
    pub fn serve_on(
        listener: TcpListener,
        events: &[Value],
        timeout: Duration,
    ) -> Result<Self, IoError> {
        let address = listener.local_addr()?;
        let mut given = Events::default();
        for event in events {
            given.add(event);
        }
        let state = Arc::new(ApiState {
            events: Mutex::new(given),
            arrived: Notify::new(),
            replies: Mutex::default(),
            timeout,
            replied: Notify::new(),
            has_extension: AtomicBool::new(false),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(take_response),
            )
            .route(
                "/2018-06-01/runtime/invocation/{id}/error",
                post(take_error),
            )
            .route("/2018-06-01/runtime/init/error", post(take_init_error))
            .route("/2020-01-01/extension/register", post(register_extension))
            .route("/2020-01-01/extension/event/next", get(no_event))
            .with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the runtime API ended");
            }
        });
        Ok(Self {
            address,
            state,
            serving,
        })
    }

    /// Starts `program` as the function whose handler is `handler`, in the environment that Lambda
    /// gives; with more than one invocation at once if `concurrency` says so. It ends when its
    /// standard input does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_function(
        &self,
        mut program: Command,
        handler: &str,
        concurrency: usize,
    ) -> Result<Child, IoError> {
        program
            .env("AWS_LAMBDA_RUNTIME_API", self.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "log")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "log")
            .env("_HANDLER", handler)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if concurrency > 1 {
            program.env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string());
        }
        program.spawn()
    }

    /// Gives the function one more event, behind those that wait. Its reply.
    pub async fn invoke(&self, event: &Value) -> Reply {
        let events = self.state.events.lock();
        let number = events.unwrap_or_else(PoisonError::into_inner).add(event);
        self.state.arrived.notify_waiters();
        self.when_replied(|known| known.remove(&number)).await
    }

    /// The replies to the first `count` events, in the order of the events.
    pub async fn replies(&self, count: usize) -> Vec<Reply> {
        self.when_replied(|known| (0..count).map(|n| known.get(&n).cloned()).collect())
            .await
    }

    /// What `take` finds among the replies, once it is there.
    async fn when_replied<T>(&self, take: impl Fn(&mut HashMap<usize, Reply>) -> Option<T>) -> T {
        let find = || {
            let known = self.state.replies.lock();
            take(&mut known.unwrap_or_else(PoisonError::into_inner))
        };
        until_there(&self.state.replied, find).await
    }

    /// Ends the environment as Lambda does: with SIGTERM if an extension is there, which leaves the
    /// function half a second, and with SIGKILL otherwise. Gives what it wrote to standard output, and
    /// whether it ended by itself and well.
    ///
    /// # Errors
    /// When its output cannot be read.
    pub async fn shut_down(&self, mut function: Child) -> Result<(String, bool), IoError> {
        let pid = function.id().and_then(|pid| i32::try_from(pid).ok());
        if self.state.has_extension.load(SeqCst)
            && let Some(pid) = pid.and_then(rustix::process::Pid::from_raw)
        {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
            // Whoever needs longer is killed below.
            let _ = tokio::time::timeout(SHUTDOWN, function.wait()).await;
        }
        function.start_kill().or_else(|error| match error.kind() {
            // It has ended by itself.
            std::io::ErrorKind::InvalidInput => Ok(()),
            _ => Err(error),
        })?;
        let mut output = String::new();
        if let Some(stdout) = &mut function.stdout {
            stdout.read_to_string(&mut output).await?;
        }
        Ok((output, function.wait().await?.success()))
    }

    /// Ends a function that was started here; gives what it wrote to standard output.
    ///
    /// # Errors
    /// When its output cannot be read.
    pub async fn end_function(mut function: Child) -> Result<String, IoError> {
        drop(function.stdin.take());
        let mut output = String::new();
        if let Some(stdout) = &mut function.stdout {
            stdout.read_to_string(&mut output).await?;
        }
        function.wait().await?;
        Ok(output)
    }
}

/// What a function does when it is started by [`RuntimeApi::start_function`]: waits until its
/// standard input ends, which tells it that its replies have arrived.
pub(super) async fn input_ends() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    while input.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html#extensions-registration-api-a>
async fn register_extension(State(api): State<Arc<ApiState>>) -> impl IntoResponse {
    api.has_extension.store(true, SeqCst);
    let id = "f2a7c7a4-6ad0-4a3c-9b0e-0a3d8a0f2c11";
    ([("lambda-extension-identifier", id)], "{}")
}

/// Extensions that registered for no events get none.
async fn no_event() -> StatusCode {
    std::future::pending().await
}

async fn next(State(api): State<Arc<ApiState>>) -> impl IntoResponse {
    let take = || {
        let events = api.events.lock();
        let mut events = events.unwrap_or_else(PoisonError::into_inner);
        events.waiting.pop_front()
    };
    let (number, event) = until_there(&api.arrived, take).await;
    let deadline = SystemTime::now() + api.timeout;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
    let headers = [
        ("lambda-runtime-aws-request-id", request_id(number)),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:function".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned(),
        ),
    ];
    (headers, event)
}

/// What `find` finds, tried again whenever there is news.
async fn until_there<T>(news: &Notify, find: impl Fn() -> Option<T>) -> T {
    loop {
        let mut next = std::pin::pin!(news.notified());
        next.as_mut().enable();
        if let Some(found) = find() {
            return found;
        }
        next.await;
    }
}

fn request_id(number: usize) -> String {
    format!("8476a536-e9f4-11e8-9739-{number:012}")
}

async fn take_response(
    State(api): State<Arc<ApiState>>,
    Path(id): Path<String>,
    reply: Bytes,
) -> StatusCode {
    let reply = serde_json::from_slice(&reply).unwrap_or_default();
    api.note(&id, Reply::Response(reply))
}

async fn take_error(
    State(api): State<Arc<ApiState>>,
    Path(id): Path<String>,
    error: Bytes,
) -> StatusCode {
    let error = serde_json::from_slice(&error).unwrap_or_default();
    api.note(&id, Reply::Error(error))
}

async fn take_init_error(State(api): State<Arc<ApiState>>, error: Bytes) -> StatusCode {
    let error = serde_json::from_slice(&error).unwrap_or_default();
    api.note(&request_id(0), Reply::Error(error))
}

impl ApiState {
    fn note(&self, id: &str, reply: Reply) -> StatusCode {
        let number = id.rsplit('-').next().and_then(|number| number.parse().ok());
        let Some(number) = number else {
            return StatusCode::BAD_REQUEST;
        };
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        replies.insert(number, reply);
        drop(replies);
        self.replied.notify_waiters();
        StatusCode::ACCEPTED
    }
}
