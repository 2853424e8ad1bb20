//! The *notice*: what is published about a video that has ended, and what a mail is made from.

use serde::{Deserialize, Serialize};

use super::{Status, Video};

/// The outcome of a video, as the topic carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Unique to the outcome: the attempt's id. The same notice twice is one mail.
    pub notice_id: String,
    /// The video.
    pub video_id: String,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Where to mail; nobody is told by mail without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What became of it.
    pub status: Status,
    /// The name that the user's file had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// How many frames are in the zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Notice {
    /// The notice of a video's end.
    #[must_use]
    pub fn of(video: &Video) -> Self {
        let attempt = video.attempt.as_ref().map(|attempt| attempt.id.clone());
        Self {
            // One that somebody publishes by hand need not have ended.
            notice_id: attempt.unwrap_or_else(|| format!("{}-{}", video.video_id, video.version)),
            video_id: video.video_id.clone(),
            user_id: Some(video.user_id.clone()),
            email: video.email.clone(),
            status: video.status,
            filename: video.filename.clone(),
            frames: (video.status == Status::Done).then_some(video.frames),
            reason: video.reason.clone(),
        }
    }

    /// What the user would call the video.
    #[must_use]
    pub fn title(&self) -> &str {
        self.filename.as_deref().unwrap_or(&self.video_id)
    }

    /// One line that says it all.
    #[must_use]
    pub fn subject(&self) -> String {
        // A subject is one line, and SNS takes at most 100 characters of printable ASCII.
        let title: String = self
            .title()
            .chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '_'
                }
            })
            .take(60)
            .collect();
        match self.status {
            Status::Done => format!("Your frames are ready: {title}"),
            Status::Failed => format!("No frames from {title}"),
            status => format!("{title} is {}", status.word().replace('_', " ")),
        }
    }
}
