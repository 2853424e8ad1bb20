//! `fotograma work`: the SQS workers of services, as in a pod.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::failure::Usage;
use super::{Services, serve, stop, which_aws};
use crate::config::{SystemArgs, WorkerArgs};
use crate::system::{self, ServiceWorker, WorkerHealth};
use crate::telemetry::metrics;
use lambda_anywhere::server::{self, Probes, ServeOptions};

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
    let system = system::build(
        &args.system,
        which_aws::for_a_service(&args.system.aws).await,
    )
    .await?;
    let mut workers = Vec::new();
    for service in args.services.services {
        system.self_test(service).await?;
        let worker = system.worker(service, args.worker.options());
        let sentence = || Usage(format!("no feature of {service} takes messages"));
        workers.push(worker.ok_or_else(sentence)?);
    }
    let health = workers.iter().map(|worker| worker.health.clone());
    let probes = WorkerHealth::probes(health.collect());
    let probes = match args.probes {
        Some(address) => Some(serve_probes(address, probes, &stop).await?),
        None => None,
    };
    let mut working = JoinSet::new();
    for ServiceWorker { worker, .. } in workers {
        working.spawn(worker.run_until(stop.clone()));
    }
    let drained = drained(working).await;
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

/// Waits for all workers. True: all that they had received was finished.
pub(super) async fn drained(mut workers: JoinSet<bool>) -> bool {
    let mut drained = true;
    while let Some(ended) = workers.join_next().await {
        drained &= ended.unwrap_or(false);
    }
    drained
}
