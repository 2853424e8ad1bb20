//! Our worker with a handler that does nothing: `noop_worker URL CONCURRENCY BATCH_SIZE THREADS`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsBatchResponse;
use fotograma::aws::{Aws, AwsSettings, SqsQueue};
use fotograma_bench::{Delays, Master};
use lambda_anywhere::worker::{Worker, WorkerOptions};
use lambda_anywhere::{CancelSignal, Context, Feature, Host, Limits, Trigger};
use tokio_util::sync::CancellationToken;

/// What the handler gets: where to note that it was called.
#[derive(Clone, Default)]
struct Noop(Arc<Delays>);

impl Context for Noop {
    type Permission = ();

    fn with_cancel_signal(&self, _signal: CancelSignal) -> Self {
        self.clone()
    }
}

static TABLE: [Feature<Noop>; 1] = [Feature {
    name: "noop",
    service: "bench",
    about: "does nothing",
    trigger: Trigger::Sqs {
        queue: "bench",
        pause: Duration::ZERO,
        handle: |noop, event| {
            for message in &event.records {
                noop.0.handled(message.body.as_deref().unwrap_or_default());
            }
            Box::pin(async { Ok(SqsBatchResponse::default()) })
        },
    },
    limits: Limits::DEFAULT,
    permissions: &[],
}];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, concurrency, batch_size, threads] = arguments.as_slice() else {
        return Err("give URL, CONCURRENCY, BATCH_SIZE and THREADS".into());
    };
    let options = WorkerOptions {
        concurrency: concurrency.parse()?,
        batch_size: batch_size.parse()?,
        ..WorkerOptions::default()
    };
    // The program's own runtime has as many as it may use CPUs.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.parse()?)
        .enable_all()
        .build()?
        .block_on(work(url, options))
}

async fn work(url: &str, options: WorkerOptions) -> Result<(), Box<dyn Error>> {
    let settings = AwsSettings {
        endpoint_url: std::env::var("AWS_ENDPOINT_URL").ok(),
        queue_urls: [("bench".to_owned(), url.to_owned())].into(),
        ..AwsSettings::default()
    };
    let noop = Noop::default();
    let queue = SqsQueue::new(Arc::new(Aws::new(settings).await), "bench");
    let host = Host::new(noop.clone(), &TABLE);
    let worker = Worker::for_feature(host, &TABLE[0], Arc::new(queue), options);
    let master = Master::ready().await?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker.run_until(stop.clone()));
    master.over().await?;
    stop.cancel();
    running.await?;
    noop.0.print();
    Ok(())
}
