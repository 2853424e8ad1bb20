//! The ways in which an event comes to a handler. Each gives the effects and the reply as lines.

mod worker;

use std::collections::BTreeSet;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::features::Permission;
use fotograma_core::ports::Objects;
use fotograma_core::story::{self, Recorder};
use fotograma_core::{App, Error, Result, features};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use http_body_util::Full;
use lambda_anywhere::Caller;
use lambda_anywhere::{Authenticate, Files, Host, claims, invoke, lambda, server};
use serde_json::Value;
use tokio::net::TcpListener;

use super::case::Case;
use super::runtime_api;
use super::support::exchange;

pub(super) use worker::worker;

struct World {
    recorder: Arc<Recorder>,
    /// Whoever the event's claims name.
    caller: Option<Caller>,
}

#[async_trait]
impl Authenticate for World {
    async fn caller(&self, _token: &str) -> Result<Caller> {
        let refused = || Error::rejected(http::StatusCode::UNAUTHORIZED, "the token is not valid");
        self.caller.clone().ok_or_else(refused)
    }
}

#[async_trait]
impl Files for World {
    async fn store(
        &self,
        key: &str,
        _content_type: Option<&str>,
        file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        let add = |sum, chunk: Bytes| async move { Ok(sum + chunk.len() as u64) };
        let length = file.try_fold(0, add).await?;
        self.recorder.upload(key, length).map(|()| length)
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.recorder.remove(key).await
    }
}

fn host(case: &Case) -> (Arc<Recorder>, Host<App>) {
    let recorder = Arc::new(Recorder::new(case.given()));
    let caller = claims::caller(&case.event);
    let world = Arc::new(World {
        recorder: Arc::clone(&recorder),
        caller,
    });
    let host = Host::new(story::app(&recorder), features::TABLE)
        .with_authenticate(world.clone())
        .with_files(world);
    (recorder, host)
}

fn story(recorder: &Recorder, reply: &str) -> Vec<String> {
    let mut lines = recorder.lines();
    lines.push(format!("reply {reply}"));
    lines
}

/// `fotograma replay`.
pub(super) async fn replay(case: &Case) -> Vec<String> {
    let (recorder, host) = host(case);
    let reply = match invoke::invoke(&host, case.feature.name, case.event.clone()).await {
        Ok(reply) => payload(&reply),
        Err(_) => "error".to_owned(),
    };
    story(&recorder, &reply)
}

/// The permissions that an event's effects need, through the server: only there does a form's file
/// come in.
pub(super) async fn permissions(case: &Case) -> BTreeSet<Permission> {
    let (recorder, host) = host(case);
    serve(case, host).await;
    recorder.permissions()
}

/// A Lambda reply in a line: for HTTP what a client sees, else the payload.
fn payload(reply: &Value) -> String {
    let Some(status) = reply.get("statusCode") else {
        return reply.to_string();
    };
    let location = ["/headers/location", "/multiValueHeaders/location/0"]
        .iter()
        .find_map(|path| reply.pointer(path).and_then(Value::as_str));
    let body = reply
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    answer(&status.to_string(), location, body)
}

fn answer(status: &str, location: Option<&str>, body: &str) -> String {
    let mut body: Value = serde_json::from_str(body).unwrap_or_default();
    // The only part of an answer that is new each time it is asked for by HTTP.
    if let Some(problem) = body.as_object_mut() {
        problem.remove("request_id");
    }
    let body = if body.is_null() {
        String::new()
    } else {
        format!(" {body}")
    };
    let location = location.map(|to| format!(" -> {to}")).unwrap_or_default();
    format!("{status}{location}{body}")
}

/// The Lambda adapter in a process of its own, under a runtime API.
pub(super) async fn lambda(case: &Case) -> Vec<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut child = tokio::process::Command::new(std::env::current_exe().expect("this test"))
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", case.feature.name)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "log")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "log")
        .env("_HANDLER", case.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a child");
    let (reply, serving) = runtime_api::serve_one(listener, case.event.to_string()).await;
    // The end of its input tells the child that the reply has arrived.
    drop(child.stdin.take());
    let output = child.wait_with_output().await.expect("the child's output");
    drop(serving);
    let mut lines: Vec<_> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    lines.push(format!(
        "reply {}",
        reply.map_or("error".to_owned(), |reply| payload(&reply))
    ));
    lines
}

/// What the child of [`lambda`] does.
pub(super) fn lambda_child() -> ExitCode {
    let case = Case::read(std::env::var("_HANDLER").expect("an event's path").as_ref());
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    let (recorder, host) = host(&case);
    runtime.block_on(async {
        let input_ends = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        tokio::select! {
            ended = lambda::run(host, case.feature.name, || {}) => ended.expect("the adapter"),
            _ = tokio::task::spawn_blocking(input_ends) => {}
        }
    });
    for line in recorder.lines() {
        println!("{line}");
    }
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

/// The server adapter: a request of its own for HTTP, the Invoke path for other events.
pub(super) async fn server(case: &Case) -> Vec<String> {
    let (recorder, host) = host(case);
    let (parts, body) = serve(case, host).await;
    let body = String::from_utf8_lossy(&body).into_owned();
    let reply = if case.feature.route().is_some() {
        let location = parts
            .headers
            .get("location")
            .map(|v| v.to_str().expect("a location"));
        answer(&parts.status.as_u16().to_string(), location, &body)
    } else if parts.headers.contains_key("x-amz-function-error") {
        "error".to_owned()
    } else {
        body
    };
    story(&recorder, &reply)
}

/// The answer of a server to the case's event.
async fn serve(case: &Case, host: Host<App>) -> (http::response::Parts, Bytes) {
    let served = server::Server {
        host,
        service: case.feature.service,
        version: "1",
        invoke: true,
        subscriptions: None,
        metrics: None,
        max_requests: 8,
        ending: server::Ending {
            lame_duck: Duration::ZERO,
            grace: Duration::from_secs(5),
        },
    };
    let request = if case.feature.route().is_some() {
        http_request(&case.event)
    } else {
        invocation(case)
    };
    exchange(served, request).await
}

fn invocation(case: &Case) -> http::Request<Full<Bytes>> {
    http::Request::post(format!(
        "/2015-03-31/functions/{}/invocations",
        case.feature.name
    ))
    .body(Full::from(case.event.to_string()))
    .expect("a request")
}

/// The request that a gateway's event stands for.
fn http_request(event: &Value) -> http::Request<Full<Bytes>> {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str);
    let method = text("/requestContext/http/method").or_else(|| text("/httpMethod"));
    let mut uri = text("/rawPath")
        .or_else(|| text("/path"))
        .expect("a path")
        .to_owned();
    if let Some(query) = text("/rawQueryString").filter(|query| !query.is_empty()) {
        uri = format!("{uri}?{query}");
    }
    let mut request = http::Request::builder()
        .method(method.expect("a method"))
        .uri(uri);
    for (name, value) in event["headers"].as_object().expect("headers") {
        request = request.header(name, value.as_str().expect("a header"));
    }
    let body = text("/body").unwrap_or_default().to_owned();
    let body = if event["isBase64Encoded"] == true {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD
            .decode(body)
            .expect("base64")
    } else {
        body.into_bytes()
    };
    request.body(Full::from(body)).expect("a request")
}
