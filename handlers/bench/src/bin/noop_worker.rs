//! Our worker with a handler that does nothing: `noop_worker URL CONCURRENCY BATCH_SIZE THREADS`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsBatchResponse;
use bytes::Bytes;
use fotograma::adapters::worker::{self, Options, Worker};
use fotograma::adapters::{Authenticate, Files, Host};
use fotograma::aws::{Aws, AwsSettings, SqsQueue};
use fotograma_bench::{Delays, Master};
use fotograma_core::feature::{Caller, Context, Feature, Stop, Trigger};
use fotograma_core::{Error as Failure, Result};
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

/// What the handler gets: where to note that it was called.
#[derive(Clone, Default)]
struct Noop(Arc<Delays>);

impl Context for Noop {
    fn until(&self, _stop: Stop) -> Self {
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
    touches: &[],
}];

/// Nobody calls and nothing is uploaded here.
struct Nobody;

#[async_trait]
impl Authenticate for Nobody {
    async fn caller(&self, _token: &str) -> Result<Caller> {
        Err(Failure::Gone("there are no callers".to_owned()))
    }
}

#[async_trait]
impl Files for Nobody {
    async fn store(
        &self,
        _key: &str,
        _content_type: Option<&str>,
        _file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        Err(Failure::Gone("there are no files".to_owned()))
    }

    async fn remove(&self, _key: &str) -> Result<()> {
        Ok(())
    }
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, concurrency, batch_size, threads] = arguments.as_slice() else {
        return Err("give URL, CONCURRENCY, BATCH_SIZE and THREADS".into());
    };
    let options = Options {
        concurrency: concurrency.parse()?,
        batch_size: batch_size.parse()?,
        ..Options::default()
    };
    // The program's own runtime has as many as it may use CPUs.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.parse()?)
        .enable_all()
        .build()?
        .block_on(work(url, options))
}

async fn work(url: &str, options: Options) -> std::result::Result<(), Box<dyn Error>> {
    let settings = AwsSettings {
        endpoint_url: std::env::var("AWS_ENDPOINT_URL").ok(),
        queue_urls: [("bench".to_owned(), url.to_owned())].into(),
        ..AwsSettings::default()
    };
    let noop = Noop::default();
    let worker = Worker {
        host: Host {
            context: Arc::new(noop.clone()),
            table: &TABLE,
            authenticate: Arc::new(Nobody),
            files: Arc::new(Nobody),
        },
        feature: &TABLE[0],
        queue: Arc::new(SqsQueue::new(Arc::new(Aws::new(settings).await), "bench")),
        options,
    };
    let master = Master::ready().await?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker::run(worker, stop.clone()));
    master.over().await?;
    stop.cancel();
    running.await?;
    noop.0.print();
    Ok(())
}
