//! A request to any route, through its whole handler, over a world in memory. The input is a line
//! with method and target (`POST /uploads?x=y`), then the body. For a form it is the claim check.

#![no_main]

use std::sync::{Arc, LazyLock};

use aws_lambda_events::encodings::Body;
use lambda_anywhere::{Caller, RouteMatch, PathEncoding, dispatch_http, find_route};
use fotograma_core::features::TABLE;
use fotograma_core::story::{self, Given, Recorder};
use futures::executor::block_on;
use http::{Method, Request, Uri, header};
use libfuzzer_sys::fuzz_target;

static WORLD: LazyLock<Given> = LazyLock::new(|| {
    let given = r#"{"objects":{"uploads/u1/v1":1048576,"uploads/u1/v3":1048576},
        "videos":[{"video_id":"v1","user_id":"u1","size":1048576},
            {"video_id":"v2","user_id":"u1","status":"done","frames":60},
            {"video_id":"v4","user_id":"u2","status":"queued"}]}"#;
    serde_json::from_str(given).expect("a world")
});

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let head = parts.next().unwrap_or_default();
    let body = parts.next().unwrap_or_default();
    let Some((method, target)) = std::str::from_utf8(head).ok().and_then(|h| h.split_once(' '))
    else {
        return;
    };
    let (Ok(method), Ok(uri)) = (Method::from_bytes(method.as_bytes()), target.parse::<Uri>())
    else {
        return;
    };
    let RouteMatch::Found(_, found, params) = find_route(TABLE.iter(), &method, uri.path(), PathEncoding::Percent) else {
        return;
    };
    let caller = Caller {
        user_id: "u1".to_owned(),
        username: "ana".to_owned(),
        email: None,
        groups: vec!["operators".to_owned()],
    };
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::AUTHORIZATION, "Bearer the.access.token")
        .extension(params)
        .extension(caller)
        .body(Body::Binary(body.to_vec()))
        .expect("a request");
    let app = story::app(&Arc::new(Recorder::new(WORLD.clone())));
    let response = block_on(dispatch_http(found, &app, request));
    let status = response.status();
    // The world fails nowhere: what is wrong is the client's fault, said as RFC 9457 wants it. A
    // form's body is the adapter's, and so a claim that names something else is a fault of ours.
    assert!(found.form.is_some() || !status.is_server_error(), "{status}");
    if status.is_client_error() {
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
});
