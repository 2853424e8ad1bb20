//! What is wanted of a video, on the command line.

use std::time::Duration;

use clap::{Args, ValueEnum};
use fotograma_engine::{Format, Limits, Mode, Options};

use crate::config::{EngineArgs, duration};

/// Which frames, and how they are stored.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Wanted {
    /// The interval between moments
    #[arg(long, default_value = "1s", value_parser = duration)]
    every: Duration,
    /// The frame on screen at each moment, or the keyframe at or before it
    #[arg(long, value_enum, default_value_t = ModeArg::Exact)]
    mode: ModeArg,
    /// Store a frame for every moment at which it is on screen, and not once
    #[arg(long)]
    repeat: bool,
    /// JPEG quality, from 2 (best) to 31
    #[arg(long, default_value_t = Options::default().quality)]
    quality: u8,
    /// The width in pixels to scale down to
    #[arg(long)]
    width: Option<u32>,
    /// How frames are stored
    #[arg(long, value_enum, default_value_t = FormatArg::Jpg)]
    format: FormatArg,
    /// The first moment, on the player's clock
    #[arg(long, value_parser = duration)]
    from: Option<Duration>,
    /// Where the moments end, on the player's clock
    #[arg(long, value_parser = duration)]
    to: Option<Duration>,
    #[command(flatten)]
    pub(in crate::cli) engine: EngineArgs,
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

impl Wanted {
    /// The engine's options.
    pub(in crate::cli) fn options(&self) -> Options {
        Options {
            every: self.every,
            mode: match self.mode {
                ModeArg::Exact => Mode::Exact,
                ModeArg::Keyframe => Mode::Keyframe,
            },
            repeat: self.repeat,
            quality: self.quality,
            width: self.width,
            format: match self.format {
                FormatArg::Jpg => Format::Jpg,
                FormatArg::Png => Format::Png,
            },
            from: self.from,
            to: self.to,
            ..self.engine.options(Limits::default().input_bytes)
        }
    }
}
