//! A topic that is subscribed by HTTP: what SNS posts is taken, and what others post is not.
//!
//! `messages.json` was signed with the key of `cert.pem`, as AWS describes it, by openssl.

#[path = "../support/mod.rs"]
mod support;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::Result;
use fotograma_core::story::{Given, Recorder};
use http_body_util::Full;
use lambda_anywhere::conformance::answer_of;
use lambda_anywhere::server::{Server, TopicSubscriptions};
use serde_json::Value;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:tech5-dev-video-topic";

/// SNS, as far as the server sees it, with a note of what was confirmed.
#[derive(Default)]
struct Sns(Mutex<Vec<String>>);

#[async_trait]
impl TopicSubscriptions for Sns {
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

/// Posts a message to a notification service; gives the status, and what it did.
async fn post(message: &Value) -> (u16, Vec<String>, Vec<String>) {
    let recorder = Arc::new(Recorder::new(Given::default()));
    let sns = Arc::new(Sns::default());
    let server = Server {
        subscriptions: Some(sns.clone()),
        ..Server::new(support::host(&recorder), "notification-service")
    };
    // SNS says that it is plain text.
    let request = http::Request::post("/")
        .header("host", "localhost")
        .header("content-type", "text/plain; charset=UTF-8")
        .body(Full::new(Bytes::from(message.to_string())))
        .expect("a request");
    let (answer, _) = answer_of(server, request).await;
    let confirmed = sns.0.lock().expect("the notes").clone();
    (answer.status.as_u16(), recorder.lines(), confirmed)
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
