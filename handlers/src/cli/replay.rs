//! `fotograma replay`: sample events through their handlers, with the replies printed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use fotograma_core::features;
use serde_json::Value;

use crate::aws::AwsSettings;
use crate::config::SystemArgs;
use crate::system::{self, System};
use lambda_anywhere::invoke;

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Events, as Lambda would get them
    #[arg(required = true, value_name = "EVENT.json")]
    events: Vec<PathBuf>,
    /// The feature; the one that the event's folder is named after by default
    #[arg(long)]
    feature: Option<String>,
    /// On an embedded AWS of its own, gone afterwards, and not on the one of a running `dev`
    #[cfg(feature = "local")]
    #[arg(long)]
    ephemeral: bool,
    #[command(flatten)]
    keys: EmbeddedKeys,
    #[command(flatten)]
    system: SystemArgs,
}

/// The one pair of keys that the embedded AWS knows.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Embedded AWS")]
pub(super) struct EmbeddedKeys {
    /// The access key of the embedded AWS
    #[arg(long, env = "FOTOGRAMA_AWS_ACCESS_KEY", default_value = "test")]
    pub(super) aws_access_key: String,
    /// Its secret: with one of your own, nobody else on the machine can sign
    #[arg(
        long,
        env = "FOTOGRAMA_AWS_SECRET_KEY",
        default_value = "test",
        hide_env_values = true
    )]
    pub(super) aws_secret_key: String,
}

pub(super) async fn replay_events(args: ReplayArgs) -> Result<ExitCode> {
    #[cfg(feature = "local")]
    if args.ephemeral {
        let config = fotograma_local::Config {
            access_key: args.keys.aws_access_key.clone(),
            secret_key: args.keys.aws_secret_key.clone(),
            ..fotograma_local::Config::default()
        };
        let local = fotograma_local::Local::start(config).await?;
        let settings = embedded(&args.system, &args.keys, local.url().to_owned());
        let system = system::build(&args.system, settings).await?;
        crate::aws::provision::provision(&system.aws, features::TABLE, &[]).await?;
        let outcome = replay(&args, &system).await;
        local.stop().await;
        return outcome;
    }
    let settings = match &args.system.aws.endpoint_url {
        Some(url) if !is_loopback(url) => args.system.aws.settings(),
        Some(url) => embedded(&args.system, &args.keys, url.clone()),
        None => {
            let url = "http://127.0.0.1:4566".to_owned();
            embedded(&args.system, &args.keys, url)
        }
    };
    let system = system::build(&args.system, settings).await?;
    replay(&args, &system).await
}

/// The settings for an embedded AWS: the region and the one pair of keys that it knows.
pub(super) fn embedded(args: &SystemArgs, keys: &EmbeddedKeys, url: String) -> AwsSettings {
    AwsSettings {
        endpoint_url: Some(url),
        region: Some("us-east-1".to_owned()),
        credentials: Some((keys.aws_access_key.clone(), keys.aws_secret_key.clone())),
        ..args.aws.settings()
    }
}

fn is_loopback(url: &str) -> bool {
    let host = url
        .parse::<http::Uri>()
        .ok()
        .and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|host| {
        host == "localhost"
            || host
                .parse()
                .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    })
}

/// Replays each event; all are tried, and one that fails makes the whole fail.
async fn replay(args: &ReplayArgs, system: &System) -> Result<ExitCode> {
    let mut exit = ExitCode::SUCCESS;
    for path in &args.events {
        match replay_event(args, system, path).await {
            Ok(reply) => println!("{}", serde_json::to_string_pretty(&reply)?),
            Err(error) => {
                eprintln!("fotograma: {}: {error:#}", path.display());
                exit = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit)
}

async fn replay_event(args: &ReplayArgs, system: &System, path: &Path) -> Result<Value> {
    let feature = match &args.feature {
        Some(name) => name.clone(),
        None => feature_of(path)?,
    };
    let text = std::fs::read_to_string(path).context("cannot be read")?;
    let event = serde_json::from_str(&text).context("is not JSON")?;
    let reply = invoke::invoke(&system.host, &feature, event).await;
    reply.map_err(|error| anyhow!(error.chain()))
}

fn feature_of(path: &Path) -> Result<String> {
    let folder = path
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    let feature = folder.and_then(features::find);
    let feature = feature.ok_or_else(|| anyhow!("is in no feature's folder: use --feature"))?;
    Ok(feature.name.to_owned())
}
