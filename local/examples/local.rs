//! A local AWS alone, until ctrl-c or SIGTERM: `local [--port N] [--data-dir FOLDER]
//! [--access-key KEY --secret-key SECRET]`.
//!
//! Prints its address on a line of its own once it answers.

use std::path::PathBuf;

use anyhow::Context as _;
use fotograma_local::{Config, Local};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut config = Config::default();
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        if flag == "--help" {
            println!("local [--port N] [--data-dir FOLDER] [--access-key KEY --secret-key SECRET]");
            return Ok(());
        }
        let value = args
            .next()
            .with_context(|| format!("{flag} wants a value"))?;
        match flag.as_str() {
            "--port" => config.port = value.parse()?,
            "--access-key" => config.access_key = value,
            "--secret-key" => config.secret_key = value,
            "--data-dir" => config.data_dir = Some(PathBuf::from(value)),
            _ => anyhow::bail!("unknown flag {flag}"),
        }
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let aws = Local::start(config).await?;
    println!("{}", aws.url());
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    aws.stop().await;
    Ok(())
}
