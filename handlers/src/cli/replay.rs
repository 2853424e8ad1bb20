//! `fotograma replay`: sample events through their handlers, with the replies printed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use fotograma_core::features;
use serde_json::Value;

use super::which_aws;
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
    system: SystemArgs,
}

pub(super) async fn replay_events(args: ReplayArgs) -> Result<ExitCode> {
    #[cfg(feature = "local")]
    if args.ephemeral {
        let keys = &args.system.aws.keys;
        let config = fotograma_local::Config {
            access_key: keys.aws_access_key.clone(),
            secret_key: keys.aws_secret_key.clone(),
            ..fotograma_local::Config::default()
        };
        let local = fotograma_local::Local::start(config).await?;
        let settings = which_aws::embedded(&args.system.aws, keys, local.url().to_owned());
        let system = system::build(&args.system, settings).await?;
        crate::aws::provision::provision(&system.aws, features::TABLE, &[]).await?;
        let outcome = replay(&args, &system).await;
        local.stop().await;
        return outcome;
    }
    let settings = which_aws::for_a_person(&args.system.aws).await?;
    let system = system::build(&args.system, settings).await?;
    replay(&args, &system).await
}

/// Replays each event; all are tried, and one that fails makes the whole fail.
async fn replay(args: &ReplayArgs, system: &System) -> Result<ExitCode> {
    let mut exit = ExitCode::SUCCESS;
    for path in &args.events {
        match replay_event(args, system, path).await {
            Ok(reply) => {
                println!("{}", serde_json::to_string_pretty(&reply)?);
                if let Some(refusal) = refusal(&reply) {
                    eprintln!("fotograma: {}: {refusal}", path.display());
                    exit = ExitCode::FAILURE;
                }
            }
            Err(error) => {
                eprintln!("fotograma: {}: {error:#}", path.display());
                exit = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit)
}

/// What a reply says is not done: messages that failed, or a status of 400 and more.
fn refusal(reply: &Value) -> Option<String> {
    let failures = reply["batchItemFailures"].as_array().map_or(0, Vec::len);
    if failures > 0 {
        return Some(format!("{failures} of the messages could not be done"));
    }
    let status = reply["statusCode"]
        .as_u64()
        .filter(|status| *status >= 400)?;
    Some(format!("the reply is {status}"))
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
