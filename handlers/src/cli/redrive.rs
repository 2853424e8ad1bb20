//! `fotograma redrive`: moves the dead letters of a queue back into it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use fotograma_core::features::TABLE;
use fotograma_core::features::resources::{self, QueueSpec};

use super::which_aws;
use crate::aws::{Aws, redrive};
use crate::config::AwsArgs;

/// How often the move is looked at.
const POLL_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct RedriveArgs {
    /// Whose dead letters: video, upload or another queue of the table
    #[arg(value_parser = known_queue)]
    queue: QueueSpec,
    /// The most messages a second; as many as SQS likes by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=500))]
    max_per_second: Option<i32>,
    #[command(flatten)]
    aws: AwsArgs,
}

/// The queue of the table that is named so, with its dead letters.
fn known_queue(name: &str) -> Result<QueueSpec, String> {
    let queues = resources::queues(TABLE);
    let names: Vec<_> = queues.iter().map(|queue| queue.name).collect();
    let known = format!("the queues are {}", names.join(", "));
    let mut queues = queues.into_iter();
    queues
        .find(|queue| queue.name == name || queue.name.strip_suffix("-queue") == Some(name))
        .ok_or(known)
}

pub(super) async fn redrive_dead_letters(args: RedriveArgs) -> Result<ExitCode> {
    let aws = Aws::new(which_aws::for_a_person(&args.aws).await?).await;
    let arn = redrive::start_redrive(
        &aws,
        &args.queue.dead_letters,
        args.queue.name,
        args.max_per_second,
    )
    .await?;
    loop {
        let task = redrive::newest_redrive(&aws, &arn)
            .await?
            .context("SQS has forgotten the move")?;
        match task.status.as_str() {
            "RUNNING" | "CANCELLING" => tokio::time::sleep(POLL_EVERY).await,
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
