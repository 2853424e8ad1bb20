//! Lambda: queues that are mapped to functions, one of which runs under the runtime API.

use std::collections::HashSet;
use std::net::TcpListener as StdListener;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use fotograma::aws::SqsQueue;
use fotograma_core::App;
use fotograma_core::features::{TABLE, find};
use lambda_anywhere::conformance::{Reply, RuntimeApi};
use lambda_anywhere::worker::Queue;
use lambda_anywhere::{Feature, invoke, lambda};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::world::World;

/// What Lambda sets to the address of its runtime API.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// The function that makes frames.
const UNDER_RUNTIME_API: &str = "process-video";
/// How many calls of a function there are at once.
const CONCURRENCY: usize = 5;

/// How long a queue hides what a function was given: six times its timeout, as Lambda asks.
pub(crate) fn visibility(feature: &str) -> Duration {
    6 * row(feature).limits.timeout
}

fn row(feature: &str) -> &'static Feature<App> {
    find(feature).expect("a feature")
}

/// Sets what Lambda sets, with an address that is free.
pub(crate) fn set_environment(program: &mut Command) -> std::io::Result<()> {
    let address = StdListener::bind(("127.0.0.1", 0))?.local_addr()?;
    program
        .env(RUNTIME_API, address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", UNDER_RUNTIME_API)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "log")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "log")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", CONCURRENCY.to_string())
        .env("_HANDLER", UNDER_RUNTIME_API);
    Ok(())
}

/// Maps each feature's queue to its function, until the tasks are dropped.
pub(crate) async fn map_queues(world: &Arc<World>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let address = std::env::var(RUNTIME_API).expect("the runtime API's address");
    let listener = TcpListener::bind(address).await.expect("its port");
    let timeout = row(UNDER_RUNTIME_API).limits.timeout;
    let api = RuntimeApi::serve_on(listener, &[], timeout).expect("the runtime API");
    let api = Arc::new(api);
    let host = world.system.host.clone();
    tasks.spawn_local(async move {
        let served = lambda::serve_runtime_api(host, UNDER_RUNTIME_API, || {}).await;
        served.expect("the function");
    });
    for feature in TABLE.iter().filter(|feature| feature.queue().is_some()) {
        for _ in 0..CONCURRENCY {
            tasks.spawn(map_queue(Arc::clone(world), feature.name, Arc::clone(&api)));
        }
    }
    tasks
}

/// Gives a function what its queue has, and deletes what it does not report as failed.
async fn map_queue(world: Arc<World>, feature: &'static str, api: Arc<RuntimeApi>) {
    let queue = row(feature).queue().expect("a queue");
    let queue = SqsQueue::new(Arc::clone(&world.system.aws), queue);
    let visibility = visibility(feature);
    // As the stacks have it: what waits behind a slow video in a batch would be hidden for long.
    let batch_size = if feature == UNDER_RUNTIME_API { 1 } else { 10 };
    loop {
        let received = queue
            .receive(batch_size, Duration::from_secs(20), visibility)
            .await;
        let Ok(messages) = received else {
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        if messages.is_empty() {
            continue;
        }
        let receipts: Vec<_> = messages
            .iter()
            .map(|message| (message.message_id.clone(), message.receipt_handle.clone()))
            .collect();
        let mut event = SqsEvent::default();
        event.records = messages;
        let event = serde_json::to_value(&event).expect("JSON");
        let answer = if feature == UNDER_RUNTIME_API {
            match api.invoke(&event).await {
                Reply::Response(answer) => Some(answer),
                Reply::Error(_) => None,
            }
        } else {
            let invoked = invoke::invoke(&world.system.host, feature, event);
            let timeout = row(feature).limits.timeout;
            let invoked = tokio::time::timeout(timeout, invoked).await;
            invoked.ok().and_then(Result::ok)
        };
        let Some(answer) = answer else { continue };
        let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
        let failed: HashSet<_> = failures
            .filter_map(|failure| failure["itemIdentifier"].as_str())
            .collect();
        let done: Vec<String> = receipts
            .into_iter()
            .filter(|(id, _)| !failed.contains(id.as_deref().unwrap_or_default()))
            .filter_map(|(_, receipt)| receipt)
            .collect();
        while !done.is_empty() && queue.delete(&done).await.is_err() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}
