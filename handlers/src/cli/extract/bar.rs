//! A progress bar, where a person waits at a terminal.

use async_trait::async_trait;
use fotograma_engine::{Cancelled, Progress, ProgressListener};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far an extraction is.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar on standard error; nothing is drawn if that is no terminal.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg}  {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

#[async_trait]
impl ProgressListener for Bar {
    async fn on_progress(&self, progress: Progress) -> Result<(), Cancelled> {
        if let Some(percent) = progress.percent {
            self.0.set_position(u64::from(percent));
        }
        self.0.set_message(format!("{} frames", progress.frames));
        Ok(())
    }
}
