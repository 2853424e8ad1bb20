//! Lambda's runtime API, for one invocation:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

struct Invocation {
    event: Mutex<Option<String>>,
    reply: mpsc::Sender<Option<Value>>,
}

/// Hands out `event` once and waits for the reply to it; `None`: the handler failed. What comes
/// back with it serves on, until it is dropped: a runtime that finds nobody ends in an error.
pub(super) async fn serve_one(
    listener: TcpListener,
    event: String,
) -> (Option<Value>, JoinSet<()>) {
    let (reply, mut replies) = mpsc::channel(1);
    let invocation = Arc::new(Invocation {
        event: Mutex::new(Some(event)),
        reply,
    });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .with_state(invocation);
    let mut serving = JoinSet::new();
    serving.spawn(async {
        axum::serve(listener, router)
            .await
            .expect("the runtime API");
    });
    (replies.recv().await.expect("a reply"), serving)
}

async fn next(State(invocation): State<Arc<Invocation>>) -> impl IntoResponse {
    let Some(event) = invocation.event.lock().await.take() else {
        return std::future::pending().await;
    };
    let headers = [
        (
            "lambda-runtime-aws-request-id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        ),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:f",
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        ),
    ];
    (headers, event)
}

async fn response(State(invocation): State<Arc<Invocation>>, reply: Bytes) -> StatusCode {
    let reply = serde_json::from_slice(&reply).expect("a JSON reply");
    invocation
        .reply
        .send(Some(reply))
        .await
        .expect("somebody waits");
    StatusCode::ACCEPTED
}

async fn error(State(invocation): State<Arc<Invocation>>) -> StatusCode {
    invocation.reply.send(None).await.expect("somebody waits");
    StatusCode::ACCEPTED
}
