//! An event for any feature that is set off by one, through its whole handler, over a world in
//! memory. The input is a line with the feature's name and the state of the world, then JSON.

#![no_main]

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use lambda_anywhere::{Trigger, dispatch_messages};
use fotograma_core::features::TABLE;
use fotograma_core::story::{self, Given, Recorder};
use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;

/// Worlds in which the events of `events/` meet something: the video is new, there, held, at its
/// end, or everything that could fail does.
static WORLDS: LazyLock<[Given; 5]> = LazyLock::new(|| {
    [
        r#"{}"#,
        r#"{"videos":[{"video_id":"v1","user_id":"u1","email":"ana@example.com"}],
            "objects":{"uploads/u1/v1":1048576},"extraction":{"percents":[50],"frames":60}}"#,
        r#"{"videos":[{"video_id":"v1","user_id":"u1","status":"processing",
            "attempt":{"id":"other","lease_until":"2026-01-01T12:00:30Z"}}],
            "objects":{"uploads/u1/v1":1048576}}"#,
        r#"{"videos":[{"video_id":"v1","user_id":"u1","email":"ana@example.com","status":"done",
            "frames":60,"unpublished":true}]}"#,
        r#"{"videos":[{"video_id":"v1","user_id":"u1","email":"ana@example.com"}],
            "fail":{"dead-letter":{"transient":"no"},"send":{"operational":"no"},"mail":{"permanent":"no"},
            "fetch":{"rejected":"no"},"publish":{"transient":"no"}}}"#,
    ]
    .map(|given| serde_json::from_str(given).expect("a world"))
});

fuzz_target!(|input: &str| {
    let Some((head, payload)) = input.split_once('\n') else {
        return;
    };
    let Some((name, world)) = head.split_once(' ') else {
        return;
    };
    let Some(feature) = TABLE.iter().find(|feature| feature.name == name) else {
        return;
    };
    let Some(given) = world.parse().ok().and_then(|world: usize| WORLDS.get(world)) else {
        return;
    };
    let recorder = Arc::new(Recorder::new(given.clone()));
    let app = story::app(&recorder);
    if let Some(event) = read::<aws_lambda_events::sqs::SqsEvent>(payload) {
        let ids: HashSet<_> = event.records.iter().filter_map(|m| m.message_id.clone()).collect();
        if let Ok(response) = block_on(dispatch_messages(feature, &app, event)) {
            for failure in response.batch_item_failures {
                assert!(ids.contains(&failure.item_identifier), "an id of nobody");
            }
        }
    }
    match feature.trigger {
        Trigger::Sns { handle, .. } => {
            if let Some(event) = read(payload) {
                let _ = block_on(handle(&app, event));
            }
        }
        Trigger::S3 { handle, .. } => {
            if let Some(event) = read(payload) {
                let _ = block_on(handle(&app, event));
            }
        }
        Trigger::Schedule { handle, .. } => {
            if let Some(event) = read(payload) {
                let _ = block_on(handle(&app, event));
            }
        }
        Trigger::Http(_) | Trigger::Sqs { .. } => {}
    }
});

fn read<T: DeserializeOwned>(payload: &str) -> Option<T> {
    serde_json::from_str(payload).ok()
}
