//! `fotograma plan`: how the frames of a video would be got at, without doing it.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use fotograma_engine::Plan;
use indicatif::HumanBytes;

use super::extract::places;
use super::extract::wanted::Wanted;
use crate::config::AwsArgs;
use crate::system;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The video: a file, or an address such as `s3://bucket/key`
    video: String,
    #[command(flatten)]
    wanted: Wanted,
    /// All of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    aws: AwsArgs,
}

pub(super) async fn print_plan(args: PlanArgs) -> Result<ExitCode> {
    let options = args.wanted.options()?;
    let source = places::Sources::new(&args.aws).open(&args.video).await?;
    let mut plan = fotograma_engine::plan(source.as_ref(), &options).await?;
    if plan.track.is_none() {
        let path = args.wanted.engine.ffmpeg_path();
        match system::find_ffmpeg(path.as_deref()).await {
            Ok(ffmpeg) => {
                let track = fotograma_engine::shown_track(&ffmpeg, &source, &options);
                plan.track = track.await?;
            }
            // The rest of the plan needs none.
            Err(error) => tracing::warn!("the track is not known: {error:#}"),
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&plan)?);
    } else {
        println!("{}", table(&plan));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(plan: &Plan) -> String {
    let strategy = plan.strategy.code().replace('_', " ");
    let share = format!("{:.1} %", plan.share * 100.0);
    let bytes = format!(
        "{} of {}",
        HumanBytes(plan.planned_bytes),
        HumanBytes(plan.source_bytes)
    );
    let codec = plan.codec.as_ref().map_or("unknown", |codec| &codec.fourcc);
    let track = plan
        .track
        .map_or("unknown".to_owned(), |track| track.to_string());
    let rows = [
        ("strategy", strategy),
        ("reason", plan.reason.to_string()),
        ("codec", codec.to_owned()),
        ("track", track),
        ("bytes", bytes),
        ("share", share),
        ("ranges", plan.ranges.len().to_string()),
        ("GOP runs", plan.gop_runs.len().to_string()),
        ("samples", plan.samples.to_string()),
        ("frames", plan.targets.len().to_string()),
    ];
    let lines = rows.map(|(name, value)| format!("{name:<10}{value}"));
    lines.join("\n")
}
