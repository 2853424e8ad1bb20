//! A local AWS alone, until ctrl-c or SIGTERM: `local [--port N] [--data-dir FOLDER]`.
//!
//! Prints its address on a line of its own once it answers.

use std::path::PathBuf;

use fotograma_local::{Config, Local};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        if flag == "--help" {
            println!("local [--port N] [--data-dir FOLDER]");
            return Ok(());
        }
        let value = args.next().ok_or(format!("{flag} wants a value"))?;
        match flag.as_str() {
            "--port" => config.port = value.parse()?,
            "--data-dir" => config.data_dir = Some(PathBuf::from(value)),
            _ => return Err(format!("unknown flag {flag}").into()),
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
