//! What is wanted of a video.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration_millis;
use crate::limits::Limits;

/// What is wanted of a video. The same options, video and ffmpeg give the same zip, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Distance between two moments, 1 ms or more.
    #[serde(rename = "every_ms", with = "duration_millis::required")]
    pub every: Duration,
    /// Which frame stands for a moment.
    pub mode: Mode,
    /// JPEG quantiser from 2 (best) to 31 (smallest), and what is as good as it in WebP; PNG takes no
    /// notice.
    pub quality: u8,
    /// Whether a frame on screen at several moments is stored for each of them, and not once.
    pub repeat: bool,
    /// Width in pixels to scale down to, keeping the aspect; a narrower video stays as it is.
    pub width: Option<u32>,
    /// How a frame is stored.
    pub format: Format,
    /// The first moment, on the player's clock.
    #[serde(rename = "from_ms", with = "duration_millis::optional")]
    pub from: Option<Duration>,
    /// The end of the moments, itself none, on the player's clock.
    #[serde(rename = "to_ms", with = "duration_millis::optional")]
    pub to: Option<Duration>,
    /// Which of the video's tracks, from 1 in the file's order; `None` takes the one that the file
    /// has shown.
    pub track: Option<u32>,
    /// What becomes of samples that are not square.
    pub samples: Samples,
    /// What becomes of high dynamic range.
    pub hdr: Hdr,
    /// What becomes of a damaged video.
    pub damaged: OnDamage,
    /// Whether a poster and a storyboard are made beside the frames.
    pub previews: bool,
    /// Whether a contact sheet is made too.
    pub contact_sheet: bool,
    /// Time of the zip's entries, in seconds since 1970 (UTC). Taken from the job, so that doing
    /// it again gives the same bytes; years before 1980 and after 2107 are clamped.
    pub modified: u64,
    /// What the extraction may cost.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(1),
            mode: Mode::Exact,
            quality: 3,
            repeat: false,
            width: None,
            format: Format::Jpg,
            from: None,
            to: None,
            track: None,
            samples: Samples::Square,
            hdr: Hdr::ToneMap,
            damaged: OnDamage::Fail,
            previews: false,
            contact_sheet: false,
            modified: 0,
            limits: Limits::default(),
        }
    }
}

/// With less, ffmpeg as Debian builds it cannot load its libraries.
const MIN_MEMORY: u64 = 48 << 20;

impl Options {
    /// Whether the options make sense.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.every < Duration::from_millis(1) {
            return Err("the interval between frames must be 1 ms or more".into());
        }
        if !(2..=31).contains(&self.quality) {
            return Err(format!(
                "quality is from 2 (best) to 31, not {}",
                self.quality
            ));
        }
        if let Some(width) = self.width
            && !(16..=16384).contains(&width)
        {
            return Err(format!("the width is from 16 to 16384 pixels, not {width}"));
        }
        if self.limits.memory < MIN_MEMORY {
            return Err(format!("ffmpeg needs {MIN_MEMORY} bytes of memory or more"));
        }
        if self.track == Some(0) {
            return Err("tracks are counted from 1".into());
        }
        if self.hdr == Hdr::Keep && self.format != Format::Png {
            return Err("high dynamic range is kept in PNG only".into());
        }
        if let Some(to) = self.to
            && to <= self.from.unwrap_or_default()
        {
            return Err("the end must lie after the start".into());
        }
        Ok(())
    }
}

/// Which frame stands for a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The frame that is on screen then: the last that begins at or before it.
    #[default]
    Exact,
    /// The keyframe at or before it: much cheaper, and up to a keyframe distance early.
    Keyframe,
}

/// How a frame is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JPEG, lossy.
    #[default]
    Jpg,
    /// PNG, lossless and several times larger.
    Png,
    /// WebP, lossy, smaller than JPEG and slower; it keeps transparency. An ffmpeg with libwebp writes it.
    Webp,
}

impl Format {
    /// The file name's extension.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }
}

/// What becomes of samples that are not square.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Samples {
    /// The picture is stretched, as players show it: nothing is lost, one side grows.
    #[default]
    Square,
    /// The picture stays as it is coded.
    AsIs,
}

/// What becomes of high dynamic range (PQ, HLG).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hdr {
    /// It is mapped to what an ordinary screen shows, white to white.
    #[default]
    ToneMap,
    /// Its signal is kept, in PNGs of 16 bits.
    Keep,
}

/// What becomes of a video that is damaged or cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDamage {
    /// It ends as [`Reason::Damaged`](crate::Reason::Damaged).
    #[default]
    Fail,
    /// The frames there are are kept, and the extraction says what is wrong.
    Keep,
}
