//! A program that is one table and runs wherever it is started: as a Lambda function, as an HTTP
//! server, or as a worker.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server::{Server, raise_descriptor_limit};
use crate::worker::{MemoryQueue, Queue, QueueSource, Worker, WorkerOptions};
use crate::{Context, Error, Host, Result, lambda};

const USAGE: &str = "say serve [ADDRESS], or work [FEATURE] with a message on each line of input";

/// Runs the table's features as the program was started:
///
/// - under Lambda (`AWS_LAMBDA_RUNTIME_API` is set), as the feature or service that `_HANDLER`
///   names, or the only feature if there is one;
/// - `serve [ADDRESS]`: the routes of the first feature's service, at `127.0.0.1:8080` unless told
///   otherwise; any event can be posted to the Invoke path of its feature, as
///   `aws lambda invoke --endpoint-url` does;
/// - `work [FEATURE]`: as a worker of that feature, or the only one, with each line of standard
///   input as a message. [`run_with_queues`] takes other queues.
///
/// It ends at the end of input, with ctrl-c, or at SIGTERM.
///
/// # Errors
/// When the arguments name nothing that can be run, or what was begun was not finished.
pub async fn run<C: Context>(host: Host<C>) -> Result<()> {
    let (lines, stop) = (Arc::new(MemoryQueue::new()), CancellationToken::new());
    let (queue, input_over) = (Arc::clone(&lines), stop.clone());
    let open = move |_: &str| {
        tokio::spawn(feed(Arc::clone(&lines), input_over.clone()));
        queue.clone() as Arc<dyn Queue>
    };
    run_until(host, open, stop).await
}

/// The same, with the queue of a feature opened by its name, as its row has it.
///
/// # Errors
/// When the arguments name nothing that can be run, or what was begun was not finished.
pub async fn run_with_queues<C: Context>(
    host: Host<C>,
    open: impl Fn(&str) -> Arc<dyn Queue>,
) -> Result<()> {
    run_until(host, open, CancellationToken::new()).await
}

async fn run_until<C: Context>(
    host: Host<C>,
    open: impl Fn(&str) -> Arc<dyn Queue>,
    stop: CancellationToken,
) -> Result<()> {
    let only = match host.table {
        [only] => Some(only.name),
        _ => None,
    };
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let named = std::env::var("_HANDLER").unwrap_or_default();
        let known = host.features(&named).next().is_some();
        let handler = only.filter(|_| !known).unwrap_or(&named).to_owned();
        return lambda::serve_runtime_api(host, &handler, || {}).await;
    }
    let told = stop.clone();
    tokio::spawn(async move {
        stop_signal().await;
        told.cancel();
    });
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match (arguments.as_slice(), only) {
        (["serve"], _) => serve(host, "127.0.0.1:8080", stop).await,
        (["serve", address], _) => serve(host, address, stop).await,
        (["work", feature], _) => work(host, feature, open, stop).await,
        (["work"], Some(feature)) => work(host, feature, open, stop).await,
        _ => Err(Error::bad_request(USAGE)),
    }
}

async fn serve<C: Context>(host: Host<C>, address: &str, stop: CancellationToken) -> Result<()> {
    let first = host.table.first();
    let service = first
        .ok_or_else(|| Error::permanent("the table is empty"))?
        .service;
    let cannot = |error| Error::permanent(format!("cannot listen at {address}")).with_source(error);
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    if let Err(error) = raise_descriptor_limit() {
        tracing::warn!(%error, "the limit of descriptors stays as it is");
    }
    let server = Server {
        invoke: true,
        ..Server::new(host, service)
    };
    server.serve_until(listener, stop).await;
    Ok(())
}

async fn work<C: Context>(
    host: Host<C>,
    feature: &str,
    open: impl Fn(&str) -> Arc<dyn Queue>,
    stop: CancellationToken,
) -> Result<()> {
    let found = host.features(feature).find_map(|feature| {
        let queue = open(feature.queue()?);
        Some(QueueSource { feature, queue })
    });
    let no_queue = || Error::bad_request(format!("{feature:?} takes no messages"));
    let source = found.ok_or_else(no_queue)?;
    let worker = Worker::new(host, vec![source], WorkerOptions::default());
    if worker.run_until(stop).await {
        Ok(())
    } else {
        Err(Error::transient("what was begun could not all be finished"))
    }
}

/// Sends each line of standard input, and stops the worker when all are settled or have failed
/// once.
async fn feed(queue: Arc<MemoryQueue>, stop: CancellationToken) {
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        queue.send(line);
    }
    queue.all_received().await;
    stop.cancel();
}

async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
