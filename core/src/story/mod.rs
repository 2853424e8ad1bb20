//! Stories: what must happen for a sample event, one line an effect, then the reply.
//!
//! A [`Recorder`] stands behind every port. It keeps a small world in memory (the videos and
//! objects that the case says are given) and writes each effect down as a line, with the permission
//! that it needs. A call can be told to fail, to find that somebody else was faster, or to take time,
//! so that these are data too. Else time stands still; ids count up, so the same event always gives
//! the same lines.

mod given;
mod lines;
mod recorder;

use std::sync::Arc;

use crate::App;
use crate::app::Settings;
use lambda_anywhere::CancelSignal;

pub use given::Given;
pub use recorder::Recorder;

/// An app whose every port is the recorder.
#[must_use]
pub fn app(recorder: &Arc<Recorder>) -> App {
    App {
        videos: recorder.clone(),
        objects: recorder.clone(),
        part_uploads: recorder.clone(),
        jobs: recorder.clone(),
        topic: recorder.clone(),
        identity: recorder.clone(),
        mailer: recorder.clone(),
        frames: recorder.clone(),
        clock: recorder.clone(),
        ids: recorder.clone(),
        settings: Settings {
            page_url: "https://page.example".to_owned(),
            ..Settings::default()
        },
        health: Arc::default(),
        untold: Arc::default(),
        cancel: CancelSignal::never(),
    }
}
