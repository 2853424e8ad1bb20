//! What a server answers when a client, or a handler, does not do its part.

use std::future::pending;
use std::io::Error as IoError;

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use metrics_util::debugging::{DebuggingRecorder, Snapshotter};
use tower::ServiceExt;

use super::*;
use crate::rate_limits::{Rate, RateLimits};
use crate::{
    Access, Authenticator, Caller, FileForm, FormLimits, Limits, PeerAddress, RateLimit, Reply,
    Route, Trigger, empty_response,
};

/// A route that anybody may use.
const fn route(
    name: &'static str,
    path: &'static str,
    handle: for<'a> fn(&'a (), crate::Request) -> Reply<'a, crate::Response>,
) -> Feature<()> {
    routed(name, path, Access::Public, None, handle)
}

const fn routed(
    name: &'static str,
    path: &'static str,
    access: Access,
    rate_limit: Option<RateLimit>,
    handle: for<'a> fn(&'a (), crate::Request) -> Reply<'a, crate::Response>,
) -> Feature<()> {
    Feature {
        name,
        service: "odd-service",
        about: "",
        trigger: Trigger::Http(Route {
            method: Method::POST,
            path,
            access,
            form: None,
            rate_limit,
            follow: false,
            takes_query: true,
            handle,
        }),
        limits: Limits::DEFAULT,
        permissions: &[],
    }
}

static TABLE: [Feature<()>; 6] = [
    route("panic", "/panic", |(), _| {
        Box::pin(async { panic!("as it is meant to") })
    }),
    route("never", "/never", |(), _| Box::pin(pending())),
    Feature {
        name: "form",
        service: "odd-service",
        about: "",
        trigger: Trigger::Http(Route {
            method: Method::POST,
            path: "/form",
            access: Access::User,
            form: Some(FileForm {
                key: |(), _| String::new(),
            }),
            rate_limit: None,
            follow: false,
            takes_query: true,
            handle: |(), _| Box::pin(async { Ok(empty_response(StatusCode::ACCEPTED)) }),
        }),
        limits: Limits::DEFAULT,
        permissions: &[],
    },
    limited(
        "guess",
        "/guess",
        Access::Public,
        Some(|request| String::from_utf8(request.body().to_vec()).ok()),
    ),
    limited("own", "/own", Access::User, None),
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

/// A route that may be used three times an hour.
const fn limited(
    name: &'static str,
    path: &'static str,
    access: Access,
    subject: Option<fn(&crate::Request) -> Option<String>>,
) -> Feature<()> {
    let rate_limit = Some(RateLimit {
        kind: name,
        subject,
    });
    routed(name, path, access, rate_limit, |(), _| {
        Box::pin(async { Ok(empty_response(StatusCode::OK)) })
    })
}

/// Whoever has a token is the user of that name.
pub(super) struct Names;

#[async_trait]
impl Authenticator for Names {
    async fn caller(&self, token: &str) -> crate::Result<Caller> {
        Ok(Caller {
            user_id: token.to_owned(),
            username: token.to_owned(),
            email: None,
            groups: Vec::new(),
        })
    }
}

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

#[tokio::test]
async fn slow_forms_have_places_of_their_own() {
    let host = Host::new((), &TABLE)
        .with_authenticator(Arc::new(Names))
        .with_form_limits(FormLimits {
            places: 2,
            ..FormLimits::default()
        });
    let server = Server {
        max_requests: 1,
        ..Server::new(host, "odd-service")
    };
    let router = server.router(CancellationToken::new());
    let form = || {
        Request::post("/form")
            .header(header::AUTHORIZATION, "Bearer ana")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(stuck())
            .expect("a request")
    };
    let mut slow: Vec<_> = (0..3)
        .map(|_| Box::pin(router.clone().oneshot(form())))
        .collect();
    // Each goes as far as it can.
    let answered = futures::future::select_all(&mut slow).await;
    let refused = answered.0.expect("an answer").status();
    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE, "a third form");
    assert_eq!(
        post(router, "/panic", Body::empty()).await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

/// A server whose two limited routes may be used three times an hour by each user.
fn limiting() -> Router {
    let rate = Rate {
        requests: 3.try_into().expect("some"),
        per: std::time::Duration::from_hours(1),
    };
    let rates = ["guess", "own"].map(|kind| (kind.to_owned(), rate));
    let host = Host::new((), &TABLE)
        .with_authenticator(Arc::new(Names))
        .with_rate_limits(RateLimits::new(rates, 1));
    Server::new(host, "odd-service").router(CancellationToken::new())
}

/// How a request is answered that comes from an address, and when to try again.
async fn asked(router: &Router, path: &str, from: [u8; 4], who: &str) -> (u16, Option<u64>) {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {who}"))
        .extension(PeerAddress((from, 1).into()))
        .body(Body::from(who.to_owned()));
    let answer = router.clone().oneshot(request.expect("a request")).await;
    let answer = answer.expect("an answer");
    let again = answer.headers().get(header::RETRY_AFTER);
    let again = again.map(|seconds| seconds.to_str().expect("text").parse().expect("seconds"));
    (answer.status().as_u16(), again)
}

#[tokio::test]
async fn a_user_may_use_a_limited_route_so_often_from_wherever() {
    for path in ["/guess", "/own"] {
        let router = limiting();
        for n in 0..3 {
            assert_eq!(
                asked(&router, path, [192, 0, 2, n], "ana").await,
                (200, None)
            );
        }
        let (status, again) = asked(&router, path, [192, 0, 2, 9], "ana").await;
        assert_eq!(status, 429, "{path}");
        let again = again.expect("when to try again");
        assert!(
            (1_190..=1_200).contains(&again),
            "{path}: {again} s, a third of an hour"
        );
        assert_eq!(
            asked(&router, path, [192, 0, 2, 9], "bob").await.0,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_address_may_use_a_limited_route_ten_times_as_often() {
    for path in ["/guess", "/own"] {
        let router = limiting();
        for n in 0..30 {
            let who = format!("user{n}");
            assert_eq!(
                asked(&router, path, [192, 0, 2, 1], &who).await.0,
                200,
                "{path}"
            );
        }
        assert_eq!(
            asked(&router, path, [192, 0, 2, 1], "ana").await.0,
            429,
            "{path}"
        );
        assert_eq!(
            asked(&router, path, [192, 0, 2, 2], "ana").await.0,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn who_may_not_use_a_limited_route_is_told_so_first() {
    let router = limiting();
    for _ in 0..5 {
        let request = Request::post("/own")
            .body(Body::empty())
            .expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
}
