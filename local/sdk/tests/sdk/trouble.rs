//! The fault layer through its Rust API, and requests below the SDK.

use bytes::Bytes;
use fotograma_local::{Fault, FaultKind, ServiceName};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::Aws;

/// Sends a request as it is; the status of the answer and its body.
pub(crate) async fn fetch(request: http::request::Builder, body: &'static [u8]) -> (u16, Bytes) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = request
        .body(Full::new(Bytes::from_static(body)))
        .expect("a request");
    let answer = client.request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    (
        status,
        answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes(),
    )
}

/// Only the status.
pub(crate) async fn send(request: http::request::Builder, body: &'static [u8]) -> u16 {
    fetch(request, body).await.0
}

#[tokio::test]
async fn the_sdk_gets_over_throttling_errors_and_cuts() {
    let aws = Aws::start().await;
    for kind in [
        FaultKind::Throttle,
        FaultKind::Error,
        FaultKind::Cut,
        FaultKind::CutAfter,
    ] {
        aws.local.faults().add(
            Fault::new(kind)
                .on(ServiceName::Sqs, "CreateQueue")
                .times(1),
        );
        let made = aws.sqs().create_queue().queue_name("jobs").send().await;
        assert!(made.is_ok(), "{kind:?}: {made:?}");
        assert!(aws.local.faults().list().is_empty(), "{kind:?} was met");
    }
    aws.local.stop().await;
}

#[tokio::test]
async fn what_always_fails_fails() {
    let aws = Aws::start().await;
    aws.local.faults().add(Fault::new(FaultKind::Error));
    assert!(aws.sqs().list_queues().send().await.is_err());
    assert!(aws.s3().list_buckets().send().await.is_err());
    assert!(aws.dynamodb().list_tables().send().await.is_err());
    assert!(aws.sns().list_topics().send().await.is_err());
    aws.local.faults().clear();
    assert!(aws.s3().list_buckets().send().await.is_ok());
    aws.local.stop().await;
}
