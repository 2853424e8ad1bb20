//! `fotograma local`: the embedded AWS alone.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use fotograma_local::{Config, Local};

use super::{DATA_DIR, stop};
use crate::config::EmbeddedKeys;

/// Where the embedded AWS listens and keeps its state.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Embedded AWS")]
pub(super) struct LocalArgs {
    /// The embedded AWS's port
    #[arg(long, env = "FOTOGRAMA_AWS_PORT", default_value_t = 4566)]
    pub(super) aws_port: u16,
    /// The address that the embedded AWS listens on
    #[arg(
        long = "aws-host",
        env = "FOTOGRAMA_AWS_HOST",
        default_value = "127.0.0.1"
    )]
    pub(super) aws_host: IpAddr,
    /// The folder that keeps its state
    #[arg(long, env = "FOTOGRAMA_DATA_DIR", default_value = DATA_DIR)]
    pub(super) data_dir: PathBuf,
    /// Keep no state
    #[arg(long, conflicts_with = "data_dir")]
    pub(super) ephemeral: bool,
    /// The address that links and queues are told by, if not the one listened on
    #[arg(long, env = "FOTOGRAMA_AWS_PUBLIC_URL", value_name = "URL")]
    pub(super) aws_public_url: Option<String>,
}

/// The embedded AWS alone.
#[derive(Debug, Args)]
pub(super) struct LocalCommand {
    #[command(flatten)]
    local: LocalArgs,
    #[command(flatten)]
    keys: EmbeddedKeys,
}

impl LocalArgs {
    pub(super) async fn start(&self, keys: &EmbeddedKeys) -> Result<Local> {
        let config = Config {
            data_dir: (!self.ephemeral).then(|| self.data_dir.clone()),
            host: self.aws_host,
            port: self.aws_port,
            public_url: self.aws_public_url.clone(),
            access_key: keys.aws_access_key.clone(),
            secret_key: keys.aws_secret_key.clone(),
            ..Config::default()
        };
        Ok(Local::start(config).await?)
    }
}

pub(super) async fn serve_embedded_aws(args: LocalCommand) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let local = args.local.start(&args.keys).await?;
    println!("AWS  {}", local.url());
    stop.cancelled().await;
    local.stop().await;
    Ok(ExitCode::SUCCESS)
}
