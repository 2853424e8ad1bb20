//! What a caller does wrong is not an error of this program: the log of a good run has none.

use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use fotograma_local::{Config, Local};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static COMPLAINTS: AtomicUsize = AtomicUsize::new(0);

/// Counts warnings and errors.
struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn event(&self, _: &Event<'_>) {
        COMPLAINTS.fetch_add(1, Ordering::SeqCst);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The status of the answer to a request without a body.
fn ask(addr: SocketAddr, head: &str) -> String {
    let mut connection = TcpStream::connect(addr).expect("a connection");
    let request = format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_mistake_is_no_error_in_the_log() {
    tracing::subscriber::set_global_default(Counter).expect("the only log of this process");
    tracing::error!("this one is counted");
    assert_eq!(COMPLAINTS.swap(0, Ordering::SeqCst), 1);
    let aws = Local::start(Config::default()).await.expect("started");
    let addr = aws.addr();
    let statuses = tokio::task::spawn_blocking(move || {
        [
            "GET /bucket/key HTTP/1.1",
            "PUT /bucket HTTP/1.1",
            "GET /bucket/key?X-Amz-Signature=nonsense HTTP/1.1",
            "POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.GetItem",
            "POST / HTTP/1.1\r\nx-amz-target: AmazonSQS.SendMessage",
        ]
        .map(|head| ask(addr, head))
    });
    assert_eq!(
        statuses.await.expect("asked"),
        ["403", "403", "403", "400", "400"]
    );
    aws.stop().await;
    assert_eq!(COMPLAINTS.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_the_system_said_is_told_once() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let config = Config {
        data_dir: Some(file.path().join("inside")),
        ..Config::default()
    };
    let error = Local::start(config).await.err().expect("no folder there");
    let source = error.source().expect("what the system said").to_string();
    assert!(source.contains("os error"), "{source}");
    assert!(!error.to_string().contains("os error"), "{error}");
}
