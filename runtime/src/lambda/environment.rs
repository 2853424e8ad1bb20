//! The execution environment: what Lambda is told when it cannot be set up, and how the function is
//! told of its end.

use std::fmt::Display;
use std::future::{Future, pending};

use http::{Method, Request, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

use crate::{Error, Result};

/// What the function is called as an extension of itself.
const EXTENSION: &str = "lambda-anywhere-end";
const EXTENSION_NAME: &str = "lambda-extension-name";
const EXTENSION_ID: &str = "lambda-extension-identifier";

/// Tells Lambda why the environment cannot be set up, so that it is in the function's log and
/// metrics, and not only that the process ended:
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn report_init_error(error: &str) -> Result<()> {
    let body = json!({ "errorType": "InitError", "errorMessage": error }).to_string();
    let request = Request::post("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", "Runtime.InitError");
    call(request, body).await.map(drop)
}

/// Asks Lambda to be told of the environment's end, before the first event is asked for; the future
/// ends then. A function is only sent SIGTERM when an extension is there, so it registers itself as
/// one, which takes no events:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>.
pub(super) async fn prepare_for_end() -> impl Future<Output = ()> {
    let terminated = terminated();
    match register().await {
        // Lambda begins with the events when each extension asks for its next one; this has none.
        Ok(id) => {
            tokio::spawn(async move {
                let next = Request::builder()
                    .method(Method::GET)
                    .uri("/2020-01-01/extension/event/next")
                    .header(EXTENSION_ID, id);
                if let Err(error) = call(next, String::new()).await {
                    tracing::debug!(error = error.chain(), "the extension's events ended");
                }
            });
        }
        Err(error) => {
            let error = error.chain();
            tracing::warn!(error, "the end of the environment will not be told");
        }
    }
    terminated
}

/// Registers the extension; gives its id.
async fn register() -> Result<String> {
    let request = Request::post("/2020-01-01/extension/register").header(EXTENSION_NAME, EXTENSION);
    let answer = call(request, json!({ "events": [] }).to_string()).await?;
    let id = answer.headers().get(EXTENSION_ID);
    let id = id.and_then(|id| id.to_str().ok()).ok_or_else(|| {
        Error::transient(format!(
            "the runtime API registers no extension: {}",
            answer.status()
        ))
    })?;
    Ok(id.to_owned())
}

/// Ends at SIGTERM, which it listens for from now on.
#[cfg(unix)]
fn terminated() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};

    let listening = signal(SignalKind::terminate());
    async {
        match listening {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot listen for SIGTERM");
                pending::<()>().await;
            }
        }
    }
}

#[cfg(not(unix))]
fn terminated() -> impl Future<Output = ()> {
    pending()
}

/// One request to the runtime API.
async fn call(request: http::request::Builder, body: String) -> Result<http::Response<Incoming>> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API")
        .map_err(|error| Error::permanent("there is no runtime API").with_source(error))?;
    let cannot = |error: &dyn Display| Error::transient(format!("the runtime API: {error}"));
    let request = request.header(header::HOST, &api).body(body);
    let request = request.map_err(|error| cannot(&error))?;
    let stream = TcpStream::connect(&api)
        .await
        .map_err(|error| cannot(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| cannot(&error))?;
    tokio::spawn(connection);
    sender
        .send_request(request)
        .await
        .map_err(|error| cannot(&error))
}
