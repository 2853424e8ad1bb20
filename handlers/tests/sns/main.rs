//! A topic that is subscribed by HTTP: what SNS posts is taken, and what others post is not.
//!
//! `messages.json` was signed with the key of `cert.pem`, as AWS describes it, by openssl.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma::adapters::server::{self, Ending, Server, Subscriptions};
use fotograma::adapters::{Authenticate, Files, Host};
use fotograma_core::feature::Caller;
use fotograma_core::story::{self, Given, Recorder};
use fotograma_core::{Error, Result, features};
use futures::stream::BoxStream;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:tech5-dev-video-topic";

/// SNS, as far as the server sees it, with a note of what was confirmed.
#[derive(Default)]
struct Sns(Mutex<Vec<String>>);

#[async_trait]
impl Subscriptions for Sns {
    async fn topic_arn(&self, topic: &str) -> Result<String> {
        assert_eq!(topic, "video-topic");
        Ok(TOPIC.to_owned())
    }

    async fn certificate(&self, url: &str) -> Result<Bytes> {
        assert!(url.starts_with("https://sns.us-east-1.amazonaws.com/"));
        Ok(Bytes::from_static(include_bytes!("cert.pem")))
    }

    async fn confirm(&self, topic_arn: &str, token: &str) -> Result<()> {
        let mut confirmed = self.0.lock().expect("the notes");
        confirmed.push(format!("{topic_arn} {token}"));
        Ok(())
    }
}

struct Nobody;

#[async_trait]
impl Authenticate for Nobody {
    async fn caller(&self, _: &str) -> Result<Caller> {
        Err(Error::bad_request("nobody logs in here"))
    }
}

#[async_trait]
impl Files for Nobody {
    async fn store(
        &self,
        _: &str,
        _: Option<&str>,
        _: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        Err(Error::bad_request("nothing is stored here"))
    }

    async fn remove(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

/// Posts a message to a notification service; gives the status, and what it did.
async fn post(message: &Value) -> (u16, Vec<String>, Vec<String>) {
    let recorder = Arc::new(Recorder::new(Given::default()));
    let sns = Arc::new(Sns::default());
    let nobody = Arc::new(Nobody);
    let server = Server {
        host: Host {
            context: Arc::new(story::app(&recorder)),
            table: features::TABLE,
            authenticate: nobody.clone(),
            files: nobody,
        },
        service: "notification-service",
        invoke: false,
        subscriptions: Some(sns.clone()),
        metrics: None,
        max_requests: 1,
        ending: Ending {
            lame_duck: Duration::ZERO,
            grace: Duration::from_secs(5),
        },
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server::run(server, listener, stop.clone()));

    let stream = TcpStream::connect(address).await.expect("a connection");
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .expect("a handshake");
    tokio::spawn(connection);
    // SNS says that it is plain text.
    let request = http::Request::post("/")
        .header("host", "localhost")
        .header("content-type", "text/plain; charset=UTF-8")
        .body(Full::new(Bytes::from(message.to_string())))
        .expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    let status = response.status().as_u16();
    response.into_body().collect().await.expect("a body");
    stop.cancel();
    drop(sender);
    serving.await.expect("the server").expect("a clean end");
    let confirmed = sns.0.lock().expect("the notes").clone();
    (status, recorder.lines(), confirmed)
}

fn message(name: &str) -> Value {
    let messages: Value = serde_json::from_str(include_str!("messages.json")).expect("json");
    messages[name].clone()
}

#[tokio::test]
async fn a_signed_notification_is_a_mail() {
    for name in ["notification", "notification_sha256"] {
        let (status, lines, _) = post(&message(name)).await;
        assert_eq!(status, 200, "{name}");
        assert!(lines[0].starts_with("mail ana@example.com"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_subscription_is_confirmed_by_its_token() {
    let (status, lines, confirmed) = post(&message("subscription")).await;
    assert_eq!((status, lines.len()), (200, 0));
    assert_eq!(confirmed, [format!("{TOPIC} 2336412f37")]);
}

#[tokio::test]
async fn what_is_not_from_the_topic_is_refused() {
    let notification = message("notification");
    for (field, value) in [
        ("Message", "{\"email\":\"eve@example.com\"}"),
        ("Subject", "another"),
        ("Timestamp", "2026-01-01T12:00:01.000Z"),
        ("TopicArn", "arn:aws:sns:us-east-1:111111111111:another"),
        ("SigningCertURL", "https://evil.example/cert.pem"),
        ("SignatureVersion", "2"),
        ("SignatureVersion", "3"),
        ("Signature", "bm8="),
        ("Signature", "***"),
        ("Type", "SubscriptionConfirmation"),
    ] {
        let mut forged = notification.clone();
        forged[field] = Value::from(value);
        let (status, lines, confirmed) = post(&forged).await;
        assert_eq!(status, 403, "{field} {value}");
        assert!(lines.is_empty() && confirmed.is_empty(), "{field} {value}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_a_bad_request() {
    let (status, lines, _) = post(&Value::from("hello")).await;
    assert_eq!((status, lines.len()), (400, 0));
}
