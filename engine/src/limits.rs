//! What one extraction may cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration_millis;

/// What one extraction may cost; each limit stops it with a [`Reason`](crate::Reason) of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the video ([`Reason::TooLarge`](crate::Reason::TooLarge)).
    pub input_bytes: u64,
    /// Pixels of one frame ([`Reason::TooManyPixels`](crate::Reason::TooManyPixels)).
    pub pixels: u64,
    /// Playing time of the video ([`Reason::TooLong`](crate::Reason::TooLong)).
    #[serde(rename = "duration_ms", with = "duration_millis::required")]
    pub duration: Duration,
    /// Frames in the zip ([`Reason::TooManyFrames`](crate::Reason::TooManyFrames)).
    pub frames: u64,
    /// Bytes of the zip ([`Reason::OutputTooLarge`](crate::Reason::OutputTooLarge)).
    pub output_bytes: u64,
    /// Time by the clock ([`Reason::TookTooLong`](crate::Reason::TookTooLong)).
    #[serde(rename = "wall_ms", with = "duration_millis::required")]
    pub wall: Duration,
    /// Processor time of one ffmpeg, in whole seconds
    /// ([`Reason::CpuTime`](crate::Reason::CpuTime)).
    #[serde(rename = "cpu_ms", with = "duration_millis::required")]
    pub cpu: Duration,
    /// Bytes of memory that one ffmpeg may allocate ([`Reason::Memory`](crate::Reason::Memory)).
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes: 20 << 30,
            pixels: 36_000_000,
            duration: Duration::from_hours(48),
            frames: 50_000,
            output_bytes: 20 << 30,
            wall: Duration::from_hours(2),
            cpu: Duration::from_hours(4),
            memory: 1 << 30,
        }
    }
}
