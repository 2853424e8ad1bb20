//! The body of a form with a file, as anybody who is logged in may send one.

#![no_main]

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use lambda_anywhere::json::{FormClaim, json_body, json_response};
use lambda_anywhere::{Access, Feature, FileForm, FileStore, Host, Limits, Result, Route, Trigger, invoke};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

/// The most bytes that a form may have beside its file.
const MAX_BESIDE_FILE: usize = 64 * 1024;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
});

static TABLE: [Feature<()>; 1] = [Feature {
    name: "form",
    service: "form",
    about: "",
    trigger: Trigger::Http(Route {
        method: http::Method::POST,
        path: "/form",
        access: Access::User,
        form: Some(FileForm {
            key: |(), _| "key".to_owned(),
        }),
        rate_limit: None,
        follow: false,
        takes_query: false,
        handle: |(), request| {
            Box::pin(async move {
                let claim: FormClaim = json_body(&request)?;
                assert_eq!(claim.key, "key");
                let fields = claim.fields.iter();
                let beside = fields.map(|(name, value)| name.len() + value.len());
                assert!(beside.sum::<usize>() <= 2 * MAX_BESIDE_FILE);
                json_response(http::StatusCode::ACCEPTED, &claim)
            })
        },
    }),
    limits: Limits::DEFAULT,
    permissions: &[],
}];

/// Reads files and keeps nothing.
struct Nowhere;

#[async_trait]
impl FileStore for Nowhere {
    async fn store(
        &self,
        _key: &str,
        _content_type: Option<&str>,
        mut file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        let mut length = 0;
        while let Some(piece) = file.next().await {
            length += piece?.len() as u64;
        }
        Ok(length)
    }

    async fn remove(&self, _key: &str) -> Result<()> {
        Ok(())
    }
}

fuzz_target!(|body: &[u8]| {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/form", "rawQueryString": "",
        "headers": { "content-type": "multipart/form-data; boundary=b" },
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "d", "requestId": "r",
            "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:12:00:00 +0000",
            "timeEpoch": 1_767_268_800_000_u64,
            "http": {
                "method": "POST", "path": "/form", "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7", "userAgent": "fuzzer",
            },
            "authorizer": { "jwt": { "claims": { "sub": "u1", "username": "ana" }, "scopes": null } },
        },
        "body": STANDARD.encode(body), "isBase64Encoded": true,
    });
    let host = Host::new((), &TABLE).with_file_store(Arc::new(Nowhere));
    let answer = RUNTIME.block_on(invoke::invoke(&host, "form", event));
    let answer = answer.expect("an answer");
    let status = answer["statusCode"].as_u64().expect("a status");
    assert!(matches!(status, 202 | 400), "{answer}");
});
