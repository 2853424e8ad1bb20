//! `fotograma work`: the SQS workers of services, as in a pod.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
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
use lambda_anywhere::server::{self, Ending, Problem};
use lambda_anywhere::worker::{self, Worker};

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

pub(super) async fn run(args: WorkArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let system = system::build(&args.system, args.system.aws.settings()).await?;
    for service in &args.services.services {
        system.self_test(service).await?;
    }
    let mut workers = JoinSet::new();
    let mut health = Vec::new();
    for service in args.services.services {
        let before = workers.len();
        let options = args.worker.options();
        health.push(spawn(&mut workers, &system, service, options, &stop));
        ensure!(
            workers.len() > before,
            "no feature of {service} takes messages"
        );
    }
    let problem: Problem = Arc::new(move || health.iter().find_map(|health| health.problem()));
    let probes = match args.probes {
        Some(address) => Some(serve_probes(address, problem, &stop).await?),
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
    problem: Problem,
    stop: &CancellationToken,
) -> Result<JoinHandle<()>> {
    let listener = serve::bind(address.ip(), address.port()).await?;
    let routes = server::probes(Some(metrics::prometheus()?), Some(problem), stop.clone());
    let ending = Ending {
        lame_duck: Duration::ZERO,
        grace: Duration::from_secs(1),
    };
    Ok(tokio::spawn(server::serve(
        routes,
        listener,
        stop.clone(),
        ending,
    )))
}

/// Works on the queues of a service's features until `stop`; gives what its handlers say of their
/// health.
pub(super) fn spawn(
    workers: &mut JoinSet<bool>,
    system: &System,
    service: &'static str,
    options: worker::Options,
    stop: &CancellationToken,
) -> Arc<Health> {
    let health = Arc::new(Health::default());
    let host = system.host.with_context(App {
        health: Arc::clone(&health),
        ..App::clone(&system.host.context)
    });
    for feature in system.host.features(service) {
        let Some(queue) = feature.queue() else {
            continue;
        };
        tracing::info!(service, feature = feature.name, queue, "working");
        let queue = PacedQueue {
            queue: SqsQueue::new(Arc::clone(&system.aws), queue),
            health: Arc::clone(&health),
        };
        let worker = Worker {
            host: host.clone(),
            feature,
            queue: Arc::new(queue),
            options,
        };
        workers.spawn(worker::run(worker, stop.clone()));
    }
    health
}

/// Waits for all workers. True: all that they had received was finished.
pub(super) async fn drained(mut workers: JoinSet<bool>) -> bool {
    let mut drained = true;
    while let Some(ended) = workers.join_next().await {
        drained &= ended.unwrap_or(false);
    }
    drained
}
