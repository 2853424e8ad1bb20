//! The context that every handler gets: the ports and the settings, nothing else.

use std::sync::Arc;

use chrono::Duration;

use crate::domain::SweepThresholds;
use crate::features::Permission;
use crate::ports::{
    Clock, FrameExtractor, Identity, Ids, Jobs, Mailer, Objects, PartUploads, Topic, Videos,
};
use crate::{Health, UntoldEnds};
use lambda_anywhere::{CancelSignal, Context};

/// What a handler may ask of the world.
#[derive(Clone)]
pub struct App {
    /// The status of each video.
    pub videos: Arc<dyn Videos>,
    /// Where uploads and zips are kept.
    pub objects: Arc<dyn Objects>,
    /// Uploads that come in parts.
    pub part_uploads: Arc<dyn PartUploads>,
    /// The queue of the processor.
    pub jobs: Arc<dyn Jobs>,
    /// Where outcomes are told.
    pub topic: Arc<dyn Topic>,
    /// Who the users are.
    pub identity: Arc<dyn Identity>,
    /// How mail leaves.
    pub mailer: Arc<dyn Mailer>,
    /// Video in, zip of frames out.
    pub frames: Arc<dyn FrameExtractor>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// New, unique ids.
    pub ids: Arc<dyn Ids>,
    /// What the operator chose.
    pub settings: Settings,
    /// What the last jobs say about this process.
    pub health: Arc<Health>,
    /// What this process has still to tell of its attempts.
    pub untold: Arc<UntoldEnds>,
    /// When the call should come to an end.
    pub cancel: CancelSignal,
}

impl Context for App {
    type Permission = Permission;

    fn cancel_signal(&self) -> CancelSignal {
        self.cancel.clone()
    }

    fn with_cancel_signal(&self, cancel: CancelSignal) -> Self {
        Self {
            cancel,
            ..self.clone()
        }
    }
}

/// What the operator chose; read from the environment by the binary, never here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The largest video accepted, in bytes.
    pub max_video_bytes: u64,
    /// Files that are longer than this, in bytes, are uploaded in parts.
    pub upload_parts_above: u64,
    /// How long a presigned upload address works.
    pub upload_expiry: Duration,
    /// How long a presigned download address works.
    pub download_expiry: Duration,
    /// How long an attempt has a video without a sign of life.
    pub lease: Duration,
    /// How long a video may go without a change before the sweep takes it up.
    pub sweep_after: SweepThresholds,
    /// How long the mark of a deleted video is kept, so that a late message does not bring it back.
    pub tombstone: Duration,
    /// Where the page is, without a slash at the end; named in mails.
    pub page_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_video_bytes: 5 * 1024 * 1024 * 1024,
            upload_parts_above: 64 * 1024 * 1024,
            upload_expiry: Duration::minutes(15),
            download_expiry: Duration::hours(12),
            lease: Duration::seconds(60),
            sweep_after: SweepThresholds {
                job: Duration::minutes(30),
                upload: Duration::hours(24),
                removal: Duration::hours(24),
            },
            tombstone: Duration::days(15),
            page_url: "http://127.0.0.1:8000".to_owned(),
        }
    }
}
