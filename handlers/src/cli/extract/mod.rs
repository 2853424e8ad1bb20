//! `fotograma extract`: the engine alone, on a file or an object in S3.

mod bar;
pub(super) mod places;
pub(super) mod wanted;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;
use fotograma_engine::{Extraction, OnDamage, Options};
use indicatif::HumanBytes;

use super::stop;
use crate::config::AwsArgs;
use crate::system;
use wanted::Wanted;

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The video: a file, or an address such as `s3://bucket/key`
    video: String,
    /// The zip; - for standard output
    #[arg(short, long, value_name = "ZIP")]
    output: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
    /// Fail on a damaged video; without it the frames that it has are kept
    #[arg(long)]
    strict: bool,
    /// Overwrite the zip if it is there
    #[arg(long)]
    force: bool,
    /// Tell what was done as JSON, on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    aws: AwsArgs,
}

pub(super) async fn extract_frames(args: ExtractArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let to_stdout = places::is_stdout(&args.output);
    if args.json && to_stdout {
        bail!("--json and -o - both want standard output");
    }
    if to_stdout && std::io::stdout().is_terminal() {
        bail!("a zip is not for a terminal: -o - wants a pipe or a file");
    }
    let ffmpeg = system::find_ffmpeg(args.wanted.engine.ffmpeg_path().as_deref()).await?;
    let source = places::source(&args.video, &args.aws).await?;
    let sink = places::sink(&args.output, args.force).await?;
    let bar = bar::Bar::new();
    let options = Options {
        damaged: if args.strict {
            OnDamage::Fail
        } else {
            OnDamage::Keep
        },
        ..args.wanted.options()
    };
    let work = fotograma_engine::extract(&ffmpeg, Arc::clone(&source), sink, &options, &bar);
    // Dropped when a signal comes: ffmpeg ends and no half zip stays.
    let outcome = stop.run_until_cancelled(work).await;
    bar.finish();
    let Some(outcome) = outcome else {
        bail!("interrupted")
    };
    let extraction = outcome?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&extraction)?);
    }
    eprintln!("{}", summary(&extraction, &args));
    Ok(ExitCode::SUCCESS)
}

fn summary(done: &Extraction, args: &ExtractArgs) -> String {
    let zip = if places::is_stdout(&args.output) {
        "the zip".to_owned()
    } else {
        args.output.display().to_string()
    };
    let counted = |count: u64, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let mut frames = counted(done.frames, "picture");
    if done.moments != done.frames {
        frames = format!("{}, {frames}", counted(done.moments, "moment"));
    }
    let mut text = format!("{frames} in {zip} ({})", HumanBytes(done.bytes_written));
    if done.bytes_read > 0 {
        let (read, all) = (HumanBytes(done.bytes_read), HumanBytes(done.source_bytes));
        let strategy = done.strategy.code().replace('_', " ");
        text = format!("{text}; read {read} of {all} ({strategy})");
    }
    if let Some(warning) = done.warning() {
        text = format!("{text}\nwarning: {warning}");
    }
    text
}
