//! `fotograma serve`: the HTTP servers of services, as in a pod.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use fotograma_core::features::SERVICES;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Services, stop};
use crate::adapters::server::{self, Server};
use crate::config::{ServerArgs, StopArgs, SystemArgs};
use crate::system;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    services: Services,
    #[command(flatten)]
    server: ServerArgs,
    /// Take events at the path of Lambda's Invoke call too
    #[arg(long, env = "FOTOGRAMA_INVOKE")]
    invoke: bool,
    #[command(flatten)]
    stop: StopArgs,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) async fn run(args: ServeArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let system = system::build(&args.system, args.system.aws.settings()).await?;
    let mut servers = JoinSet::new();
    for service in args.services.services {
        let listener = listen(&args.server, service).await?;
        tracing::info!(service, address = %listener.local_addr()?, "serving");
        let server = Server {
            host: system.host.clone(),
            service,
            invoke: args.invoke,
            grace: args.stop.grace,
        };
        servers.spawn(server::run(server, listener, stop.clone()));
    }
    finish(servers).await?;
    Ok(ExitCode::SUCCESS)
}

/// Listens on a service's port.
pub(super) async fn listen(args: &ServerArgs, service: &str) -> Result<TcpListener> {
    let place = SERVICES
        .iter()
        .position(|known| known.name == service)
        .unwrap_or_default();
    let port = u16::try_from(place)
        .ok()
        .and_then(|place| args.http_port_base.checked_add(place))
        .with_context(|| format!("there is no port left for {service}"))?;
    bind(args.host, port).await
}

pub(super) async fn bind(host: std::net::IpAddr, port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind((host, port)).await;
    listener.with_context(|| format!("cannot listen on {host} port {port}"))
}

/// Waits for all servers; the first that fails ends the program.
pub(super) async fn finish(mut servers: JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = servers.join_next().await {
        ended.context("a server panicked")??;
    }
    Ok(())
}
