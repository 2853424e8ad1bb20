//! `fotograma work`: the SQS workers of services, as in a pod.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Args;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Services, stop};
use crate::adapters::worker::{self, Worker};
use crate::aws::SqsQueue;
use crate::config::{SystemArgs, WorkerArgs};
use crate::system::{self, System};

#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    #[command(flatten)]
    services: Services,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) async fn run(args: WorkArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let system = system::build(&args.system, args.system.aws.settings()).await?;
    let mut workers = JoinSet::new();
    for service in args.services.services {
        let before = workers.len();
        spawn(&mut workers, &system, service, args.worker.options(), &stop);
        ensure!(
            workers.len() > before,
            "no feature of {service} takes messages"
        );
    }
    Ok(if drained(workers).await {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Works on the queues of a service's features until `stop`.
pub(super) fn spawn(
    workers: &mut JoinSet<bool>,
    system: &System,
    service: &'static str,
    options: worker::Options,
    stop: &CancellationToken,
) {
    for feature in system.host.features(service) {
        let Some(queue) = feature.queue() else {
            continue;
        };
        tracing::info!(service, feature = feature.name, queue, "working");
        let queue = Arc::new(SqsQueue::new(Arc::clone(&system.aws), queue));
        let worker = Worker {
            host: system.host.clone(),
            feature,
            queue,
            options,
        };
        workers.spawn(worker::run(worker, stop.clone()));
    }
}

/// Waits for all workers. True: all that they had received was finished.
pub(super) async fn drained(mut workers: JoinSet<bool>) -> bool {
    let mut drained = true;
    while let Some(ended) = workers.join_next().await {
        drained &= ended.unwrap_or(false);
    }
    drained
}
