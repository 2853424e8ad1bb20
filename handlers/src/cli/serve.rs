//! `fotograma serve`: the HTTP servers of services, as in a pod.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use fotograma_core::features::SERVICES;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Services, stop};
use crate::config::{ServerArgs, StopArgs, SystemArgs, duration};
use crate::system;
use crate::telemetry::metrics;
use lambda_anywhere::server::{self, Ending};

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
    #[command(flatten)]
    stop: StopArgs,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) async fn run(args: ServeArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let metrics = metrics::prometheus()?;
    let system = system::build(&args.system, args.system.aws.settings()).await?;
    let ending = Ending {
        lame_duck: args.lame_duck,
        grace: args.stop.grace,
    };
    let mut servers = JoinSet::new();
    for service in args.services.services {
        let listener = listen(&args.server, service).await?;
        tracing::info!(service, address = %listener.local_addr()?, "serving");
        let server = system.server(
            service,
            args.invoke,
            metrics.clone(),
            args.server.max_requests,
            ending,
        );
        servers.spawn(server::run(server, listener, stop.clone()));
    }
    finish(servers).await?;
    Ok(ExitCode::SUCCESS)
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
