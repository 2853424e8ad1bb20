//! `fotograma doctor`: whether this machine has what the system needs, and what to do if not.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use fotograma_core::features::SERVICES;
use fotograma_engine::Ffmpeg;
use indicatif::HumanBytes;
use tokio::net::TcpListener;

use super::running_dev::RunningDev;
use super::{serve, which_aws};
use crate::config::{EngineArgs, SystemArgs};

/// What one video of the largest size and its frames may need while they are made.
const ENOUGH_DISK: u64 = 2 << 30;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// The port of auth-service; the other services follow in order
    #[arg(long, env = "FOTOGRAMA_HTTP_PORT_BASE", default_value_t = 8001)]
    http_port_base: u16,
    /// The port of the embedded AWS
    #[arg(long, env = "FOTOGRAMA_AWS_PORT", default_value_t = 4566)]
    aws_port: u16,
    #[command(flatten)]
    system: SystemArgs,
}

/// One thing that was looked at.
enum Finding {
    Ok(String),
    /// What is wrong, and what to do.
    Wrong(String, &'static str),
}

pub(super) async fn examine_machine(args: DoctorArgs) -> Result<ExitCode> {
    let running = RunningDev::find(&RunningDev::data_dir()).await;
    let findings = [
        ("ffmpeg", ffmpeg(&args.system.engine).await),
        ("disk", disk(&RunningDev::data_dir())),
        ("ports", ports(&args, running.as_ref()).await?),
        (
            "AWS",
            Finding::Ok(which_aws::describe(&args.system.aws).await),
        ),
    ];
    let mut exit = ExitCode::SUCCESS;
    for (name, finding) in findings {
        match finding {
            Finding::Ok(text) => println!("ok     {name:<8}{text}"),
            Finding::Wrong(text, hint) => {
                println!("wrong  {name:<8}{text}\n       {:<8}{hint}", "");
                exit = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit)
}

async fn ffmpeg(args: &EngineArgs) -> Finding {
    let ffmpeg = match Ffmpeg::find(args.ffmpeg_path().as_deref()).await {
        Ok(ffmpeg) => ffmpeg,
        Err(error) => {
            let hint = "install ffmpeg 5.1 or newer, or build the small one: make ffmpeg";
            return Finding::Wrong(error.to_string(), hint);
        }
    };
    let found = format!("{} at {}", ffmpeg.version, ffmpeg.path.display());
    match ffmpeg.known_holes() {
        Some(holes) => Finding::Wrong(format!("{found}: {holes}"), "update it, or: make ffmpeg"),
        None => Finding::Ok(found),
    }
}

/// The disk of the data folder, or of the folder that it will be made in.
fn disk(data_dir: &Path) -> Finding {
    let place = if data_dir.is_dir() {
        data_dir
    } else {
        Path::new(".")
    };
    match rustix::fs::statvfs(place) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let text = format!("{} free in {}", HumanBytes(free), place.display());
            if free < ENOUGH_DISK {
                Finding::Wrong(
                    text,
                    "make room, or name another folder by FOTOGRAMA_DATA_DIR",
                )
            } else {
                Finding::Ok(text)
            }
        }
        Err(error) => Finding::Wrong(
            format!("{} cannot be looked at: {error}", place.display()),
            "name a folder of yours by FOTOGRAMA_DATA_DIR",
        ),
    }
}

async fn ports(args: &DoctorArgs, running: Option<&RunningDev>) -> Result<Finding> {
    if let Some(dev) = running {
        return Ok(Finding::Ok(format!("`fotograma dev` runs: {}", dev.page)));
    }
    let mut ports = vec![args.http_port_base.saturating_sub(1), args.aws_port];
    for service in SERVICES {
        ports.push(serve::port(args.http_port_base, service.name)?);
    }
    ports.sort_unstable();
    let mut taken = Vec::new();
    for port in &ports {
        if TcpListener::bind(("127.0.0.1", *port)).await.is_err() {
            taken.push(port.to_string());
        }
    }
    if taken.is_empty() {
        let named: Vec<_> = ports.iter().map(u16::to_string).collect();
        return Ok(Finding::Ok(format!("{} are free", named.join(", "))));
    }
    Ok(Finding::Wrong(
        format!("another program has {}", taken.join(", ")),
        "end it, or give `fotograma dev` others: --http-port-base, --aws-port",
    ))
}
