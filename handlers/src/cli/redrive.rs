//! `fotograma redrive`: moves the dead letters of a queue back into it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::aws::{Aws, redrive, short};
use crate::config::AwsArgs;

/// How often the move is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct RedriveArgs {
    /// Whose dead letters
    #[arg(value_enum)]
    queue: Queue,
    /// The most messages a second; as many as SQS likes by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=500))]
    max_per_second: Option<i32>,
    #[command(flatten)]
    aws: AwsArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Queue {
    /// Jobs that could not be done
    Video,
    /// Notices that could not be mailed
    Notification,
    /// News of uploads that could not be taken
    Upload,
}

pub(super) async fn run(args: RedriveArgs) -> Result<ExitCode> {
    let aws = Aws::new(args.aws.settings()).await;
    let (dead_letters, queue) = match args.queue {
        Queue::Video => (short::VIDEO_DLQ, short::VIDEO_QUEUE),
        Queue::Notification => (short::NOTIFICATION_DLQ, short::NOTIFICATION_QUEUE),
        Queue::Upload => (short::UPLOAD_DLQ, short::UPLOAD_QUEUE),
    };
    let arn = redrive::start(&aws, dead_letters, queue, args.max_per_second).await?;
    loop {
        let task = redrive::progress(&aws, &arn)
            .await?
            .context("SQS has forgotten the move")?;
        match task.status.as_str() {
            "RUNNING" | "CANCELLING" => tokio::time::sleep(LOOK_EVERY).await,
            "COMPLETED" => {
                println!("{} messages are back in the queue", task.moved);
                return Ok(ExitCode::SUCCESS);
            }
            status => bail!(
                "the move is {status} after {} messages: {}",
                task.moved,
                task.reason.as_deref().unwrap_or("no reason given")
            ),
        }
    }
}
