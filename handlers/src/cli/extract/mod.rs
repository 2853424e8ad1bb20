//! `fotograma extract`: the engine alone, on a file or an object in S3.

mod bar;
mod moment;
pub(super) mod places;
mod preview_files;
pub(super) mod wanted;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;
use fotograma_engine::{Extraction, Ffmpeg, OnDamage, Options, Source};
use indicatif::HumanBytes;

use super::failure::{self, Usage, hinted};
use super::stop;
use crate::config::AwsArgs;
use crate::system;
use places::Sources;
use preview_files::PreviewArgs;
use wanted::Wanted;

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The videos: files, or addresses such as `s3://bucket/key`
    #[arg(required = true, value_name = "VIDEO")]
    videos: Vec<String>,
    /// The zip, or a folder in which each video gets one of its own name; - for standard output
    #[arg(short, long, value_name = "ZIP")]
    output: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    previews: PreviewArgs,
    /// Fail on a damaged video; without it the frames that it has are kept
    #[arg(long)]
    strict: bool,
    /// Overwrite the zip, and what lies beside it, if it is there
    #[arg(long)]
    force: bool,
    /// Tell what was done as JSON, on standard output: a line for each of several videos
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    aws: AwsArgs,
}

pub(super) async fn extract_frames(args: ExtractArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let to_stdout = places::is_stdout(&args.output);
    if args.json && to_stdout {
        bail!(Usage("--json and -o - both want standard output".into()));
    }
    if to_stdout && std::io::stdout().is_terminal() {
        bail!(Usage(
            "a zip is not for a terminal: -o - wants a pipe or a file".into()
        ));
    }
    let options = Options {
        damaged: if args.strict {
            OnDamage::Fail
        } else {
            OnDamage::Keep
        },
        ..args.previews.options(args.wanted.options()?)
    };
    let outputs = places::outputs(&args.videos, &args.output)?;
    let ffmpeg = system::find_ffmpeg(args.wanted.engine.ffmpeg_path().as_deref())
        .await
        .map_err(|error| {
            let hint = "ffmpeg 5.1 or newer is needed: `.ci/install run` or your system's package, or `make ffmpeg`";
            hinted(format!("{error:#}"), hint)
        })?;
    let sources = Sources::new(&args.aws);
    let mut exit = ExitCode::SUCCESS;
    for (video, output) in args.videos.iter().zip(&outputs) {
        // Dropped when a signal comes: ffmpeg ends and no half zip stays.
        let work = Box::pin(async {
            let source = sources.open(video).await?;
            extract_video(&args, &ffmpeg, &options, source, output).await
        });
        match stop.run_until_cancelled(work).await {
            None => bail!("interrupted"),
            Some(Ok(())) => {}
            Some(Err(error)) if outputs.len() == 1 => return Err(error),
            // The others may be well.
            Some(Err(error)) => exit = failure::report(&error.context(video.clone())),
        }
    }
    Ok(exit)
}

async fn extract_video(
    args: &ExtractArgs,
    ffmpeg: &Ffmpeg,
    options: &Options,
    source: Arc<dyn Source>,
    output: &Path,
) -> Result<()> {
    let preview_files = args.previews.open(output, args.force).await?;
    let sink = places::sink(output, args.force).await?;
    let bar = bar::Bar::new();
    let extracted = fotograma_engine::extract(ffmpeg, source, sink, options, &bar).await;
    bar.finish();
    let extraction = extracted?;
    if let Some(made) = &extraction.previews {
        preview_files.write(made).await?;
    }
    if args.json && args.videos.len() > 1 {
        println!("{}", serde_json::to_string(&extraction)?);
    } else if args.json {
        println!("{}", serde_json::to_string_pretty(&extraction)?);
    }
    eprintln!("{}", summary(&extraction, output));
    Ok(())
}

fn summary(done: &Extraction, output: &Path) -> String {
    let zip = if places::is_stdout(output) {
        "the zip".to_owned()
    } else {
        output.display().to_string()
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
