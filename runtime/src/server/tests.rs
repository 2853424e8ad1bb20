//! What a server answers when a client, or a handler, does not do its part.

use std::future::pending;
use std::io::Error as IoError;

use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use metrics_util::debugging::{DebuggingRecorder, Snapshotter};
use tower::ServiceExt;

use super::*;
use crate::{Access, Limits, Reply, Route, Trigger};

const fn route(
    name: &'static str,
    path: &'static str,
    handle: for<'a> fn(&'a (), crate::Request) -> Reply<'a, crate::Response>,
) -> Feature<()> {
    Feature {
        name,
        service: "odd-service",
        about: "",
        trigger: Trigger::Http(Route {
            method: Method::POST,
            path,
            access: Access::Public,
            form: None,
            handle,
        }),
        limits: Limits::DEFAULT,
        permissions: &[],
    }
}

static TABLE: [Feature<()>; 3] = [
    route("panic", "/panic", |(), _| {
        Box::pin(async { panic!("as it is meant to") })
    }),
    route("never", "/never", |(), _| Box::pin(pending())),
    Feature {
        name: "crash",
        service: "odd-service",
        about: "",
        trigger: Trigger::Sqs {
            queue: "",
            pause: std::time::Duration::ZERO,
            handle: |(), _| Box::pin(async { panic!("as it is meant to") }),
        },
        limits: Limits::DEFAULT,
        permissions: &[],
    },
];

fn odd(max_requests: usize) -> Router {
    let server = Server {
        invoke: true,
        max_requests,
        ..Server::new(Host::new((), &TABLE), "odd-service")
    };
    server.router(CancellationToken::new())
}

/// The status and the problem that a body posted to `path` gets.
async fn post(router: Router, path: &str, body: Body) -> (StatusCode, serde_json::Value) {
    let request = Request::post(path).body(body).expect("a request");
    let answer = router.oneshot(request).await.expect("an answer");
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a body");
    (
        status,
        serde_json::from_slice(&body.to_bytes()).expect("json"),
    )
}

/// A body that begins and does not go on.
fn stuck() -> Body {
    let begun = stream::iter([Ok::<_, IoError>(Bytes::from_static(b"{"))]);
    Body::from_stream(begun.chain(stream::pending()))
}

#[tokio::test]
async fn no_page_of_a_stranger_invokes_a_feature() {
    for (name, value, status) in [
        ("origin", "http://evil.example", StatusCode::FORBIDDEN),
        ("host", "evil.example", StatusCode::FORBIDDEN),
        (
            "content-type",
            "text/plain",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("content-type", "application/json", StatusCode::OK),
    ] {
        let request = Request::post(PANIC_BY_INVOKE).header(name, value);
        let request = request.body(Body::from("{")).expect("a request");
        let answer = odd(1).oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), status, "{name}: {value}");
    }
}

const PANIC_BY_INVOKE: &str = "/2015-03-31/functions/crash/invocations";

#[tokio::test]
async fn a_panic_is_an_answer() {
    for (path, body) in [
        ("/panic", Body::empty()),
        (PANIC_BY_INVOKE, Body::from(r#"{"Records":[]}"#)),
    ] {
        let (status, problem) = post(odd(1), path, body).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(problem["request_id"].is_string(), "{problem}");
        assert!(!problem.to_string().contains("meant to"), "{problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    for (path, body, expected) in [
        ("/never", Body::empty(), StatusCode::GATEWAY_TIMEOUT),
        ("/never", stuck(), StatusCode::REQUEST_TIMEOUT),
        (PANIC_BY_INVOKE, stuck(), StatusCode::REQUEST_TIMEOUT),
    ] {
        assert_eq!(post(odd(1), path, body).await.0, expected, "{path}");
    }
}

#[tokio::test]
async fn too_long_and_too_many_are_refused() {
    let long = vec![b' '; 6 * 1024 * 1024 + 1];
    for path in ["/never", PANIC_BY_INVOKE] {
        let (status, _) = post(odd(1), path, Body::from(long.clone())).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        let (status, _) = post(odd(0), path, Body::empty()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
}

#[tokio::test]
async fn every_answer_is_counted_by_its_route() {
    let recorder = DebuggingRecorder::new();
    let snapshots: Snapshotter = recorder.snapshotter();
    let _local = metrics::set_default_local_recorder(&recorder);
    post(odd(1), "/panic", Body::empty()).await;
    post(odd(1), "/nowhere", Body::empty()).await;
    post(odd(1), PANIC_BY_INVOKE, Body::from("{")).await;
    post(odd(0), "/panic", Body::empty()).await;
    let mut seen: Vec<_> = snapshots
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, ..)| key.key().clone())
        .filter(|key| key.name() == "http.server.request.duration")
        .map(|key| {
            let labels: Vec<_> = key.labels().map(metrics::Label::value).collect();
            labels.join(" ")
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            "POST  404",
            "POST  503",
            "POST /2015-03-31/functions/{feature}/invocations 200",
            "POST /panic 500"
        ]
    );
}
