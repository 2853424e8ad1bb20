//! `fotograma serve`: the HTTP servers of services, as in a pod.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use fotograma_core::features::SERVICES;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Services, stop, which_aws, work};
use crate::api_documents;
use crate::config::{ServerArgs, StrangerArgs, SystemArgs, WorkerArgs, duration};
use crate::system::{self, WorkerHealth};
use crate::telemetry::metrics;
use lambda_anywhere::server::{self, Probes, ServeOptions};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    services: Services,
    #[command(flatten)]
    server: ServerArgs,
    /// Take events at the path of Lambda's Invoke call too
    #[arg(long, env = "FOTOGRAMA_INVOKE")]
    invoke: bool,
    /// How long requests are still taken after a signal to stop, while /readyz says so
    #[arg(long, env = "FOTOGRAMA_LAME_DUCK", default_value = "3s", value_parser = duration)]
    lame_duck: Duration,
    /// How long a connection may be idle: longer than a load balancer keeps its own
    #[arg(long, env = "FOTOGRAMA_IDLE", default_value = "75s", value_parser = duration)]
    idle: Duration,
    /// Work on the services' queues too, in the same process
    #[arg(long, env = "FOTOGRAMA_WORK")]
    work: bool,
    #[command(flatten)]
    strangers: StrangerArgs,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) async fn serve_until_stopped(args: ServeArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let metrics = metrics::prometheus()?;
    let mut system = system::build(
        &args.system,
        which_aws::for_a_service(&args.system.aws).await,
    )
    .await?;
    system.host = system
        .host
        .with_form_limits(args.server.form_limits())
        .with_rate_limits(args.strangers.rate_limits());
    system.documents = api_documents::documents(&args.server.api_servers(), false)?;
    let options = ServeOptions {
        idle: args.idle,
        lame_duck: args.lame_duck,
        grace: args.worker.stop.grace,
        max_connections: args.strangers.max_connections,
        max_connections_of_a_client: args.strangers.max_connections_of_an_address,
    };
    raise_descriptor_limit();
    let mut servers = JoinSet::new();
    let mut workers = JoinSet::new();
    for service in args.services.services {
        let mut health = Vec::new();
        if args.work {
            system.self_test(service).await?;
            // A service without queues is served all the same.
            if let Some(spawned) = system.worker(service, args.worker.options()) {
                health.push(spawned.health);
                workers.spawn(spawned.worker.run_until(stop.clone()));
            }
        }
        let listener = listen(&args.server, service).await?;
        tracing::info!(service, address = %listener.local_addr()?, "serving");
        let probes = Probes {
            metrics: Some(metrics.clone()),
            ..WorkerHealth::probes(health)
        };
        let max_requests = args.server.max_requests;
        let server = system.server(service, args.invoke, probes, max_requests, options);
        servers.spawn(server.serve_until(listener, stop.clone()));
    }
    let served = finish(servers).await;
    stop.cancel();
    let drained = work::drained(workers).await;
    served?;
    Ok(if drained {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Each connection is a descriptor: there may be as many as the system lets this process have.
pub(super) fn raise_descriptor_limit() {
    if let Err(error) = server::raise_descriptor_limit() {
        tracing::warn!(%error, "the limit of descriptors stays as it is");
    }
}

/// Listens on a service's port.
pub(super) async fn listen(args: &ServerArgs, service: &str) -> Result<TcpListener> {
    bind(args.host, port(args.http_port_base, service)?).await
}

/// The port of a service, where the first has `base`.
pub(super) fn port(base: u16, service: &str) -> Result<u16> {
    let place = SERVICES
        .iter()
        .position(|known| known.name == service)
        .unwrap_or_default();
    u16::try_from(place)
        .ok()
        .and_then(|place| base.checked_add(place))
        .with_context(|| format!("there is no port left for {service}"))
}

pub(super) async fn bind(host: std::net::IpAddr, port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind((host, port)).await;
    listener.with_context(|| format!("cannot listen on {host} port {port}"))
}

/// Waits for all servers; the first that panics ends the program.
pub(super) async fn finish(mut servers: JoinSet<()>) -> Result<()> {
    while let Some(ended) = servers.join_next().await {
        ended.context("a server panicked")?;
    }
    Ok(())
}
