//! `fotograma provision`: makes bucket, queues, table, topic and users on an AWS of one's own.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use fotograma_core::features::TABLE;

use super::failure::Usage;
use super::which_aws;
use crate::aws::provision::{self, DEMO_USER};
use crate::config::SystemArgs;
use crate::system;

#[derive(Debug, Args)]
pub(super) struct ProvisionArgs {
    /// An origin whose pages may send files to the bucket; several if wanted
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    page_origin: Vec<String>,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) async fn provision_resources(args: ProvisionArgs) -> Result<ExitCode> {
    // The demo user's password is in the README.
    if args.system.aws.endpoint_url().is_none() {
        let sentence =
            "give --endpoint-url: this is for an emulator, and a real account is the CDK app's";
        bail!(Usage(sentence.to_owned()));
    }
    let system = system::build(
        &args.system,
        which_aws::for_a_person(&args.system.aws).await?,
    )
    .await?;
    provision::provision(&system.aws, TABLE, &args.page_origin).await?;
    let (username, password, _) = DEMO_USER;
    eprintln!("all is there; the demo user is {username} / {password}");
    Ok(ExitCode::SUCCESS)
}
