//! One task asks for all who listen, each is told what is new since what they have, and all of it ends.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use http::{Method, Request as HttpRequest};
use tower::ServiceExt;

use super::*;
use crate::server::Server;
use crate::server::tests::Names;
use crate::{Access, CancelSignal, Feature, Limits, Reply, Route, Trigger};

/// How often the handler was asked, and what there is to tell.
#[derive(Clone, Default)]
struct Clockwork(Arc<(AtomicU64, AtomicU64)>);

impl Context for Clockwork {
    type Permission = ();

    fn cancel_signal(&self) -> CancelSignal {
        CancelSignal::never()
    }

    fn with_cancel_signal(&self, _: CancelSignal) -> Self {
        self.clone()
    }
}

const GONE: u64 = u64::MAX;

/// Tells the number that there is, if it is another than the client's last.
fn number(clockwork: &Clockwork, request: Request) -> Reply<'_, Response> {
    Box::pin(async move {
        clockwork.0.0.fetch_add(1, SeqCst);
        let number = clockwork.0.1.load(SeqCst);
        if number == GONE {
            return Err(Error::not_found("it is gone"));
        }
        let last = request.headers().get(LAST_EVENT_ID);
        let text = if last.is_some_and(|last| last == number.to_string().as_str()) {
            "retry: 1000\n\n".to_owned()
        } else {
            format!("id: {number}\ndata: {number}\n\n")
        };
        Ok(Response::new(Body::Text(text)))
    })
}

static TABLE: [Feature<Clockwork>; 1] = [Feature {
    name: "number",
    service: "number-service",
    about: "",
    trigger: Trigger::Http(Route {
        method: Method::GET,
        path: "/number",
        access: Access::User,
        form: None,
        rate_limit: None,
        follow: true,
        takes_query: false,
        handle: number,
    }),
    limits: Limits::DEFAULT,
    permissions: &[],
}];

struct World {
    clockwork: Clockwork,
    router: axum::Router,
    stop: CancellationToken,
}

impl World {
    fn new(max_listeners: usize) -> Self {
        let clockwork = Clockwork::default();
        let host = Host::new(clockwork.clone(), &TABLE).with_authenticator(Arc::new(Names));
        let server = Server {
            max_listeners,
            ..Server::new(host, "number-service")
        };
        let stop = CancellationToken::new();
        Self {
            clockwork,
            router: server.router(stop.clone()),
            stop,
        }
    }

    fn tell(&self, number: u64) {
        self.clockwork.0.1.store(number, SeqCst);
    }

    fn asked(&self) -> u64 {
        self.clockwork.0.0.load(SeqCst)
    }

    async fn listen(
        &self,
        user: &str,
        last: Option<&str>,
    ) -> (StatusCode, axum::body::BodyDataStream) {
        let mut request =
            HttpRequest::get("/number").header("authorization", format!("Bearer {user}"));
        if let Some(last) = last {
            request = request.header(LAST_EVENT_ID, last);
        }
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        (answer.status(), answer.into_body().into_data_stream())
    }
}

/// The numbers of the next events, heartbeats left aside.
async fn next(stream: &mut axum::body::BodyDataStream) -> Option<String> {
    while let Some(piece) = stream.next().await {
        let piece = String::from_utf8(piece.expect("a piece").to_vec()).expect("text");
        if let Some(data) = piece.lines().find_map(|line| line.strip_prefix("data: ")) {
            return Some(data.to_owned());
        }
    }
    None
}

#[tokio::test(start_paused = true)]
async fn a_thousand_listeners_are_one_question_a_second() {
    let world = World::new(1_000);
    let mut streams = Vec::new();
    for _ in 0..1_000 {
        let (status, mut stream) = world.listen("ana", None).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(next(&mut stream).await.as_deref(), Some("0"));
        streams.push(stream);
    }
    let before = world.asked();
    world.tell(7);
    let mut told = futures::future::join_all(streams.iter_mut().map(next)).await;
    told.dedup();
    assert_eq!(told, [Some("7".to_owned())]);
    // Each has caught up once; and there was one question for all.
    assert!(
        world.asked() - before <= 1_000 + 2,
        "{}",
        world.asked() - before
    );
    let before = world.asked();
    let quiet = futures::future::join_all(streams.iter_mut().map(next));
    assert!(
        timeout(Duration::from_secs(10), quiet).await.is_err(),
        "nothing is new"
    );
    assert!(world.asked() - before <= 11, "{}", world.asked() - before);

    drop(streams);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = world.asked();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.asked(), before, "nobody listens any more");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_told_what_is_new() {
    let world = World::new(10);
    world.tell(3);
    let (_, mut stream) = world.listen("ana", Some("3")).await;
    world.tell(4);
    assert_eq!(next(&mut stream).await.as_deref(), Some("4"));
    let (_, mut other) = world.listen("rui", Some("2")).await;
    assert_eq!(next(&mut other).await.as_deref(), Some("4"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_there_is_nothing_to_listen_to() {
    let world = World::new(10);
    let (_, mut stream) = world.listen("ana", None).await;
    assert_eq!(next(&mut stream).await.as_deref(), Some("0"));
    world.tell(GONE);
    let last = next(&mut stream).await.expect("a last word");
    assert!(last.contains("it is gone"), "{last}");
    assert_eq!(next(&mut stream).await, None);
    let (status, _) = world.listen("ana", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_the_server_and_with_its_time() {
    let world = World::new(10);
    let (_, mut stream) = world.listen("ana", None).await;
    assert_eq!(next(&mut stream).await.as_deref(), Some("0"));
    let began = Instant::now();
    assert_eq!(next(&mut stream).await, None);
    assert_eq!(began.elapsed().as_secs() / 60, LONGEST.as_secs() / 60);
    let (_, mut stream) = world.listen("ana", None).await;
    assert_eq!(next(&mut stream).await.as_deref(), Some("0"));
    world.stop.cancel();
    let began = Instant::now();
    assert_eq!(next(&mut stream).await, None);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn there_are_only_so_many_listeners() {
    let world = World::new(2);
    let first = world.listen("ana", None).await;
    let _second = world.listen("ana", None).await;
    let (status, _) = world.listen("ana", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    drop(first);
    let (status, _) = world.listen("ana", None).await;
    assert_eq!(status, StatusCode::OK);
}
