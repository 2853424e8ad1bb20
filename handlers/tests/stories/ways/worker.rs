//! The worker adapter.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use lambda_anywhere::Trigger;
use lambda_anywhere::worker::{self, Worker};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{host, story};
use crate::case::Case;
use crate::queue::MemoryQueue;

/// The worker adapter, fed by a queue in memory; `None` for features that take no messages.
pub(crate) async fn worker(case: &Case) -> Option<Vec<String>> {
    let (recorder, host) = host(case);
    let messages = messages(case)?;
    let ids: Vec<_> = messages
        .iter()
        .filter_map(|m| m.message_id.clone())
        .collect();
    let stop = CancellationToken::new();
    let queue = Arc::new(MemoryQueue {
        left: Mutex::new(messages.into()),
        settled: Mutex::default(),
        all: ids.len(),
        stop: stop.clone(),
    });
    let options = worker::Options {
        concurrency: 1,
        batch_size: ids.len(),
        ..Default::default()
    };
    let worker = Worker {
        host,
        feature: case.feature,
        queue: queue.clone(),
        options,
    };
    let working = worker::run(worker, stop);
    tokio::time::timeout(Duration::from_secs(10), working)
        .await
        .expect("the worker ends");
    let settled = queue.settled.lock().expect("settled").clone();
    let failed: Vec<_> = ids.iter().filter(|id| !settled[*id]).collect();
    let reply = if case.event.pointer("/Records/0/eventSource") == Some(&json!("aws:sqs")) {
        let failures: Vec<_> = failed
            .iter()
            .map(|id| json!({ "itemIdentifier": id }))
            .collect();
        json!({ "batchItemFailures": failures }).to_string()
    } else if failed.is_empty() {
        "null".to_owned()
    } else {
        "error".to_owned()
    };
    Some(story(&recorder, &reply))
}

/// The event as messages of the feature's queue.
fn messages(case: &Case) -> Option<Vec<SqsMessage>> {
    let records = case.event.get("Records").and_then(Value::as_array)?;
    let wrap = |body: Value| json!({ "body": body.to_string() });
    let messages: Vec<Value> = match case.feature.trigger {
        Trigger::Http(_) | Trigger::Schedule { .. } => return None,
        _ if records[0]["eventSource"] == "aws:sqs" => records.clone(),
        Trigger::Sns { .. } => records
            .iter()
            .map(|record| wrap(record["Sns"].clone()))
            .collect(),
        _ => vec![wrap(case.event.clone())],
    };
    let mut messages: Vec<SqsMessage> = messages
        .into_iter()
        .map(|message| serde_json::from_value(message).expect("a message"))
        .collect();
    for (number, message) in messages.iter_mut().enumerate() {
        let id = message
            .message_id
            .get_or_insert_with(|| format!("message-{number}"))
            .clone();
        message.receipt_handle = Some(id);
    }
    Some(messages)
}
