//! `fotograma run`: a feature that the clock sets off, once and now; what a `CronJob` runs.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use fotograma_core::features::TABLE;

use super::which_aws;
use crate::config::SystemArgs;
use crate::system;
use lambda_anywhere::{invoke, schedule};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The feature
    #[arg(value_name = "FEATURE", value_parser = scheduled)]
    feature: &'static str,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) async fn run_scheduled(args: RunArgs) -> Result<ExitCode> {
    let system = system::build(
        &args.system,
        which_aws::for_a_person(&args.system.aws).await?,
    )
    .await?;
    invoke::invoke(&system.host, args.feature, schedule::scheduled_event()).await?;
    Ok(ExitCode::SUCCESS)
}

fn scheduled(name: &str) -> Result<&'static str, String> {
    let names: Vec<_> = schedule::scheduled_features(TABLE)
        .map(|(feature, _)| feature.name)
        .collect();
    let known = names.iter().find(|known| **known == name);
    known
        .copied()
        .ok_or_else(|| format!("the scheduled features are {}", names.join(", ")))
}
