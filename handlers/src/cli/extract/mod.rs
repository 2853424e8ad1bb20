//! `fotograma extract`: the engine alone, on a file or an object in S3.

mod bar;
mod places;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use fotograma_engine::{Extraction, Format, Mode, OnDamage, Options};
use indicatif::HumanBytes;

use super::stop;
use crate::config::{AwsArgs, EngineArgs, duration};
use crate::system;

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The video: a file, or an address such as `s3://bucket/key`
    video: String,
    /// The zip; - for standard output
    #[arg(short, long, value_name = "ZIP")]
    output: PathBuf,
    /// The interval between frames
    #[arg(long, default_value = "1s", value_parser = duration)]
    every: Duration,
    /// The frame shown at each moment, or the keyframe at or before it
    #[arg(long, value_enum, default_value_t = ModeArg::Exact)]
    mode: ModeArg,
    /// JPEG quality, from 2 (best) to 31
    #[arg(long, default_value_t = Options::default().quality)]
    quality: u8,
    /// The width in pixels to scale down to
    #[arg(long)]
    width: Option<u32>,
    /// How frames are stored
    #[arg(long, value_enum, default_value_t = FormatArg::Jpg)]
    format: FormatArg,
    /// Where to begin, from the video's start
    #[arg(long, value_parser = duration)]
    from: Option<Duration>,
    /// Where to end, from the video's start
    #[arg(long, value_parser = duration)]
    to: Option<Duration>,
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
    engine: EngineArgs,
    #[command(flatten)]
    aws: AwsArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeArg {
    Exact,
    Keyframe,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    Jpg,
    Png,
}

impl ExtractArgs {
    fn options(&self) -> Options {
        let limits = fotograma_engine::Limits::default();
        Options {
            every: self.every,
            mode: match self.mode {
                ModeArg::Exact => Mode::Exact,
                ModeArg::Keyframe => Mode::Keyframe,
            },
            quality: self.quality,
            width: self.width,
            format: match self.format {
                FormatArg::Jpg => Format::Jpg,
                FormatArg::Png => Format::Png,
            },
            from: self.from,
            to: self.to,
            damaged: if self.strict {
                OnDamage::Fail
            } else {
                OnDamage::Keep
            },
            ..self.engine.options(limits.input_bytes)
        }
    }
}

pub(super) async fn run(args: ExtractArgs) -> Result<ExitCode> {
    let stop = stop::on_signal()?;
    let to_stdout = places::is_stdout(&args.output);
    if args.json && to_stdout {
        bail!("--json and -o - both want standard output");
    }
    let ffmpeg = system::find_ffmpeg(args.engine.ffmpeg.as_deref()).await?;
    let source = places::source(&args.video, &args.aws).await?;
    let sink = places::sink(&args.output, args.force).await?;
    let bar = bar::Bar::new();
    let options = args.options();
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
    let frames = if done.frames == 1 {
        "1 frame".to_owned()
    } else {
        format!("{} frames", done.frames)
    };
    let mut text = format!("{frames} in {zip} ({})", HumanBytes(done.bytes_written));
    if done.bytes_read > 0 {
        let (read, all) = (HumanBytes(done.bytes_read), HumanBytes(done.source_bytes));
        let strategy = format!("{:?}", done.strategy).to_lowercase();
        text = format!("{text}; read {read} of {all} ({strategy})");
    }
    if let Some(damage) = &done.damaged {
        text = format!(
            "{text}\nwarning: the video is damaged ({damage}); these are the frames up to there"
        );
    }
    text
}
