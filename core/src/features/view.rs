//! A video as its user sees it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::domain::{Mode, Status, Video};

/// The JSON of a video.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    video_id: &'a str,
    user_id: &'a str,
    status: Status,
    filename: Option<&'a str>,
    size: Option<u64>,
    every_ms: u64,
    mode: Mode,
    frames: u64,
    progress: u8,
    reason: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

impl<'a> From<&'a Video> for View<'a> {
    fn from(video: &'a Video) -> Self {
        Self {
            video_id: &video.video_id,
            user_id: &video.user_id,
            status: video.status,
            filename: video.filename.as_deref(),
            size: video.size,
            every_ms: video.every_ms,
            mode: video.mode,
            frames: video.frames,
            progress: video.progress,
            reason: video.reason.as_deref(),
            created_at: rfc3339(video.created_at),
            updated_at: rfc3339(video.updated_at),
        }
    }
}

/// A time as it stands in answers: RFC 3339, UTC, milliseconds.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
