//! What is wanted of a video, on the command line.

use std::time::Duration;

use clap::{Args, ValueEnum};
use fotograma_engine::{Format, Hdr, Limits, Mode, Options, Samples};

use super::super::failure::Usage;
use super::moment::moment;
use crate::config::{EngineArgs, duration};

/// Which frames, and how they are stored.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Wanted {
    /// The interval between moments: 500ms, 1s, 2m
    #[arg(long, value_name = "INTERVAL", default_value = "1s", value_parser = duration, allow_hyphen_values = true)]
    every: Duration,
    /// The frame on screen at each moment, or the keyframe at or before it
    #[arg(long, value_enum, default_value_t = ModeArg::Exact)]
    mode: ModeArg,
    /// Store a frame for every moment at which it is on screen, and not once
    #[arg(long)]
    repeat: bool,
    /// JPEG quality, from 2 (best) to 31
    #[arg(long, default_value_t = Options::default().quality, value_name = "2..31")]
    quality: u8,
    /// The width in pixels to scale down to
    #[arg(long, value_name = "PIXELS")]
    width: Option<u32>,
    /// How frames are stored
    #[arg(long, value_enum, default_value_t = FormatArg::Jpg)]
    format: FormatArg,
    /// The first moment, on the player's clock: 90, 1:30, 00:01:30.5
    #[arg(long, value_parser = moment, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Duration>,
    /// Where the moments end, on the player's clock
    #[arg(long, value_parser = moment, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<Duration>,
    /// Which of the video's tracks, from 1; the one that the file has shown unless told
    #[arg(long, value_name = "N")]
    track: Option<u32>,
    /// Samples that are not square: stretched, as a player shows them, or left
    #[arg(long, value_enum, default_value_t = SamplesArg::Square)]
    samples: SamplesArg,
    /// High dynamic range: mapped to an ordinary screen, or kept in PNGs of 16 bits
    #[arg(long, value_enum, default_value_t = HdrArg::ToneMap)]
    hdr: HdrArg,
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
    Webp,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SamplesArg {
    Square,
    AsIs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HdrArg {
    ToneMap,
    Keep,
}

impl Wanted {
    /// The engine's options.
    ///
    /// # Errors
    /// When they make no sense together.
    pub(in crate::cli) fn options(&self) -> Result<Options, Usage> {
        let options = Options {
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
                FormatArg::Webp => Format::Webp,
            },
            from: self.from,
            to: self.to,
            track: self.track,
            samples: match self.samples {
                SamplesArg::Square => Samples::Square,
                SamplesArg::AsIs => Samples::AsIs,
            },
            hdr: match self.hdr {
                HdrArg::ToneMap => Hdr::ToneMap,
                HdrArg::Keep => Hdr::Keep,
            },
            ..self.engine.options(Limits::default().input_bytes)
        };
        options.check().map_err(Usage)?;
        Ok(options)
    }
}
