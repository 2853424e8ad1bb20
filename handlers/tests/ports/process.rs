//! The program itself, as a process: server and worker in one, and as a function that cannot begin.

use std::process::Stdio;
use std::time::Duration;

use fotograma::aws::SnsTopic;
use fotograma_core::domain::Notice;
use fotograma_core::features::SERVICES;
use fotograma_core::features::resources::NOTIFICATION_QUEUE;
use fotograma_core::ports::Topic;
use fotograma_local::{Fault, FaultKind, ServiceName};
use lambda_anywhere::conformance::{Reply, RuntimeApi};
use lambda_anywhere::worker::Queue;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::world::{World, http};

const LONG: Duration = Duration::from_mins(1);

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fotograma"));
    program.kill_on_drop(true).stdin(Stdio::null());
    program
}

/// Asks again and again until `done` says that the answer is the one.
async fn until<T>(what: &str, ask: impl AsyncFn() -> T, done: impl Fn(&T) -> bool) -> T {
    let asking = async {
        loop {
            let answer = ask().await;
            if done(&answer) {
                return answer;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, asking)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come"))
}

/// The port base with which a service listens on a free port.
async fn port_base(service: &str) -> (u16, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let place = SERVICES.iter().position(|known| known.name == service);
    let place = u16::try_from(place.expect("a service")).expect("few services");
    (port - place, port)
}

#[tokio::test]
async fn a_server_that_works_too_does_both_and_finishes_what_is_begun() {
    let service = "notification-service";
    let world = World::new().await;
    let (base, port) = port_base(service).await;
    let process = program()
        .args(["serve", service, "--work", "--lame-duck", "1s"])
        .args(["--http-port-base", &base.to_string()])
        .args(["--endpoint-url", world.local.url(), "--region", "us-east-1"])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stderr(Stdio::null())
        .spawn();
    let mut process = process.expect("the program");
    let url = format!("http://127.0.0.1:{port}");
    let listens = async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
    };
    until("the server", listens, |listens| *listens).await;
    let ready = async || {
        http("GET", &format!("{url}/readyz"), &[], "")
            .await
            .status()
            .as_u16()
    };
    assert_eq!(ready().await, 200);

    // A mail that is under way when the process is told to stop.
    let slow = Fault {
        delay_ms: 1_500,
        ..Fault::new(FaultKind::Delay)
            .on(ServiceName::Ses, "SendEmail")
            .times(1)
    };
    world.local.faults().add(slow);
    let notice: Notice = serde_json::from_value(json!({
        "notice_id": "n1", "video_id": "v1", "status": "done", "email": "ana@example.com",
        "filename": "a.mp4", "frames": 3,
    }))
    .expect("a notice");
    let topic = SnsTopic::new(world.aws.clone());
    topic.publish(&notice).await.expect("it is published");
    let hits = async || world.local.faults().list();
    until("the mail's sending", hits, Vec::is_empty).await;
    let pid = i32::try_from(process.id().expect("it runs")).expect("an id");
    let pid = Pid::from_raw(pid).expect("an id");
    kill_process(pid, Signal::TERM).expect("it is told");

    // The server says so at once, and answers on.
    until("the end's announcement", ready, |status| *status == 503).await;
    let ended = timeout(LONG, process.wait()).await.expect("in time");
    assert!(ended.expect("a status").success(), "all was finished");
    assert_eq!(world.mails("ana@example.com").await.len(), 1);
    let queue = fotograma::aws::SqsQueue::new(world.aws.clone(), NOTIFICATION_QUEUE);
    world.local.clock().advance(Duration::from_hours(1));
    let left = queue.receive(10, Duration::ZERO, LONG).await;
    assert!(left.expect("an answer").is_empty(), "and deleted");
}

#[tokio::test]
async fn a_function_that_cannot_begin_tells_lambda_why() {
    let nowhere = ("FOTOGRAMA_FFMPEG", "/nowhere/ffmpeg");
    let odd = ("FOTOGRAMA_LEASE", "soon");
    for (handler, (variable, value), expected) in [
        ("process-video", nowhere, "ffmpeg"),
        ("auth-login", odd, "soon"),
        ("nobody", ("FOTOGRAMA_STAGE", "dev"), "nobody"),
    ] {
        let api = RuntimeApi::serve(&[json!({})], LONG).await.expect("a port");
        let mut function = program();
        function.env(variable, value).env("AWS_REGION", "us-east-1");
        let function = api
            .start_function(function, handler, 1)
            .expect("the program");
        let replies = timeout(LONG, api.replies(1)).await.expect("a reply");
        let [Reply::Error(error)] = replies.as_slice() else {
            panic!("{handler}: {replies:?}");
        };
        assert_eq!(error["errorType"], "InitError", "{handler}");
        let why = error["errorMessage"].as_str().unwrap_or_default();
        assert!(why.contains(expected), "{handler}: {why}");
        let (_, ended_well) = api.shut_down(function).await.expect("its end");
        assert!(!ended_well, "{handler}");
    }
}
