//! `fotograma work`: the SQS workers of services, as in a pod.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use fotograma_core::{App, Health};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Services, serve, stop};
use crate::aws::SqsQueue;
use crate::config::{SystemArgs, WorkerArgs};
use crate::paced_queue::PacedQueue;
use crate::system::{self, System};
use crate::telemetry::metrics;
use lambda_anywhere::server::{self, Probes, ServeOptions};
use lambda_anywhere::worker::{Health as Polling, QueueSource, Worker, WorkerOptions};

#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    #[command(flatten)]
    services: Services,
    #[command(flatten)]
    worker: WorkerArgs,
    /// Answer /livez, /readyz and /metrics at this address
    #[arg(long, env = "FOTOGRAMA_PROBES", value_name = "HOST:PORT")]
    probes: Option<SocketAddr>,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) async fn work_until_stopped(args: WorkArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let system = system::build(&args.system, args.system.aws.settings()).await?;
    for service in &args.services.services {
        system.self_test(service).await?;
    }
    let mut workers = JoinSet::new();
    let (mut polling, mut health) = (Vec::new(), Vec::new());
    for service in args.services.services {
        let spawned = spawn(&mut workers, &system, service, args.worker.options(), &stop);
        polling.push(
            spawned
                .polling
                .with_context(|| format!("no feature of {service} takes messages"))?,
        );
        health.push(spawned.health);
    }
    let probes = Probes {
        metrics: None,
        is_alive: Some(Arc::new(move || polling.iter().all(Polling::is_polling))),
        problem: Some(Arc::new(move || {
            health.iter().find_map(|health| health.problem())
        })),
    };
    let probes = match args.probes {
        Some(address) => Some(serve_probes(address, probes, &stop).await?),
        None => None,
    };
    let drained = drained(workers).await;
    if let Some(probes) = probes {
        probes.await?;
    }
    Ok(if drained {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Answers operators while the workers work.
async fn serve_probes(
    address: SocketAddr,
    probes: Probes,
    stop: &CancellationToken,
) -> Result<JoinHandle<()>> {
    let listener = serve::bind(address.ip(), address.port()).await?;
    let probes = Probes {
        metrics: Some(metrics::prometheus()?),
        ..probes
    };
    let options = ServeOptions {
        grace: Duration::from_secs(1),
        ..ServeOptions::default()
    };
    let routes = probes.router(stop.clone());
    let serving = server::serve_router(routes, listener, stop.clone(), options);
    Ok(tokio::spawn(serving))
}

/// What a service's worker tells of itself.
pub(super) struct Spawned {
    /// Whether it polls; `None` when the service has no queues.
    pub(super) polling: Option<Polling>,
    /// What its handlers say of their last messages.
    pub(super) health: Arc<Health>,
}

/// Works on the queues of a service's features until `stop`, with one limit for all.
pub(super) fn spawn(
    workers: &mut JoinSet<bool>,
    system: &System,
    service: &'static str,
    options: WorkerOptions,
    stop: &CancellationToken,
) -> Spawned {
    let health = Arc::new(Health::default());
    let host = system.host.with_context(App {
        health: Arc::clone(&health),
        ..App::clone(&system.host.context)
    });
    let mut sources = Vec::new();
    for feature in system.host.features(service) {
        let Some(queue) = feature.queue() else {
            continue;
        };
        tracing::info!(service, feature = feature.name, queue, "working");
        let queue = Arc::new(PacedQueue {
            queue: SqsQueue::new(Arc::clone(&system.aws), queue),
            health: Arc::clone(&health),
        });
        sources.push(QueueSource { feature, queue });
    }
    let polling = (!sources.is_empty()).then(|| {
        let worker = Worker::new(host, sources, options);
        let polling = worker.health();
        workers.spawn(worker.run_until(stop.clone()));
        polling
    });
    Spawned { polling, health }
}

/// Waits for all workers. True: all that they had received was finished.
pub(super) async fn drained(mut workers: JoinSet<bool>) -> bool {
    let mut drained = true;
    while let Some(ended) = workers.join_next().await {
        drained &= ended.unwrap_or(false);
    }
    drained
}
