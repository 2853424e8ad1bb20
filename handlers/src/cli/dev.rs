//! `fotograma dev`: the whole system on this machine, on the embedded AWS.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use fotograma_core::features::{SERVICES, TABLE};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::local::LocalArgs;
use super::running_dev::RunningDev;
use super::{serve, stop, which_aws, work};
use crate::api_documents::{self, ApiServers};
use crate::aws::provision::{self, DEMO_USER};
use crate::config::{ServerArgs, SystemArgs, WorkerArgs};
use crate::page::{self, Page};
use crate::system::{self, WorkerHealth};
use crate::telemetry::metrics;
use lambda_anywhere::schedule;
use lambda_anywhere::server::{self, Probes, ServeOptions};

#[derive(Debug, Args)]
pub(super) struct DevArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    local: LocalArgs,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) async fn serve_everything(mut args: DevArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    serve::raise_descriptor_limit();
    let metrics = metrics::prometheus()?;
    // Before anything is begun: a port that is taken is said at once.
    let mut listeners = Vec::new();
    for service in SERVICES {
        listeners.push((
            service.name,
            serve::listen(&args.server, service.name).await?,
        ));
    }
    let page_port = args
        .server
        .http_port_base
        .checked_sub(1)
        .context("there is no port left for the page")?;
    let page_listener = serve::bind(args.server.host, page_port).await?;
    let page_url = format!("http://{}", page_listener.local_addr()?);
    args.system.page_url.get_or_insert_with(|| page_url.clone());

    let keys = &args.system.aws.keys;
    let local = args.local.start(keys).await?;
    let settings = which_aws::embedded(&args.system.aws, keys, local.url().to_owned());
    let mut system = system::build(&args.system, settings).await?;
    system.host = system.host.with_form_limits(args.server.form_limits());
    let mut addresses = Vec::new();
    for (service, listener) in &listeners {
        addresses.push((*service, format!("http://{}", listener.local_addr()?)));
    }
    system.documents = api_documents::documents(&ApiServers::Each(addresses), true)?;
    let mut origins = vec![page_url, format!("http://localhost:{page_port}")];
    // Where the page is worked on it is served by somebody else.
    origins.extend(
        args.system
            .page_url
            .clone()
            .filter(|url| !origins.contains(url)),
    );
    provision::provision(&system.aws, TABLE, &origins)
        .await
        .context("the embedded AWS could not be set up")?;

    let running = RunningDev {
        aws: local.url().to_owned(),
        access_key: keys.aws_access_key.clone(),
        secret_key: keys.aws_secret_key.clone(),
        page: format!("http://{}", page_listener.local_addr()?),
    };
    let folder = (!args.local.ephemeral).then_some(&args.local.data_dir);
    let _announcement = folder.map(|folder| running.announce(folder)).transpose()?;
    let page = Page::new(&listeners, local.url(), (DEMO_USER.0, DEMO_USER.1))?;
    println!("{}", banner(&listeners, &page_listener, local.url())?);
    let mut servers = JoinSet::new();
    let mut workers = JoinSet::new();
    let options = ServeOptions {
        grace: args.worker.stop.grace,
        ..ServeOptions::default()
    };
    let routes = page::router(page);
    servers.spawn(server::serve_router(
        routes,
        page_listener,
        stop.clone(),
        options,
    ));
    for (service, listener) in listeners {
        let mut health = Vec::new();
        if let Some(spawned) = system.worker(service, args.worker.options()) {
            // The rest can be tried all the same; the jobs wait, and the service is not ready.
            if let Err(error) = system.self_test(service).await {
                eprintln!("{service}: {}", error.chain());
                spawned.health.handlers.failed(&error);
            }
            health.push(spawned.health);
            workers.spawn(spawned.worker.run_until(stop.clone()));
        }
        let probes = Probes {
            metrics: Some(metrics.clone()),
            ..WorkerHealth::probes(health)
        };
        let max_requests = args.server.max_requests;
        let server = system.server(service, true, probes, max_requests, options);
        servers.spawn(server.serve_until(listener, stop.clone()));
    }
    for (feature, every) in schedule::scheduled_features(TABLE) {
        let run = schedule::run_on_schedule(system.host.clone(), feature, every, stop.clone());
        tokio::spawn(run);
    }
    let served = serve::finish(servers).await;
    // A server that failed takes the workers along; else they have been told already.
    stop.cancel();
    work::drained(workers).await;
    local.stop().await;
    served.map(|()| ExitCode::SUCCESS)
}

/// What a newcomer needs: addresses, the demo user, and what to try.
fn banner(
    services: &[(&'static str, TcpListener)],
    page: &TcpListener,
    aws: &str,
) -> Result<String> {
    let mut lines = vec![format!("  {:<22}http://{}", "page", page.local_addr()?)];
    for (service, listener) in services {
        lines.push(format!("  {service:<22}http://{}", listener.local_addr()?));
    }
    lines.push(format!("  {:<22}{aws}", "AWS"));
    lines.push(format!("  {:<22}{aws}/_local/mailbox", "mailbox"));
    let url = |place: usize| {
        Ok::<_, anyhow::Error>(format!("http://{}", services[place].1.local_addr()?))
    };
    let (auth, uploader, status) = (url(0)?, url(1)?, url(2)?);
    let (username, password, _) = DEMO_USER;
    Ok(format!(
        "fotograma is ready. The demo user is {username} / {password}.\n\n{}\n\nTry:\n  \
         TOKEN=$(curl -s {auth}/auth/login -d '{{\"username\":\"{username}\",\"password\":\"{password}\"}}' | jq -r .access_token)\n  \
         curl -H \"Authorization: Bearer $TOKEN\" -F file=@video.mp4 {uploader}/upload/\n  \
         curl -H \"Authorization: Bearer $TOKEN\" {status}/videos/me\n\nCtrl-C ends it; what is \
         stored is there again at the next start.\n",
        lines.join("\n"),
    ))
}
