//! Which track is shown of a file whose index does not say: asked of ffmpeg, which decodes nothing for it.

use std::sync::Arc;

use super::check_and_sniff;
use super::front_to_back::FrontToBack;
use crate::container::isobmff::TrackChoice;
use crate::error::ExtractError;
use crate::ffmpeg::input::Input;
use crate::ffmpeg::log::Event;
use crate::ffmpeg::presentation::{Presentation, track_choice};
use crate::ffmpeg::process::{Reads, Running};
use crate::ffmpeg::program::Ffmpeg;
use crate::io::loopback::Shape;
use crate::io::source::Source;
use crate::options::Options;

/// Which track of `source` is shown, and why, as `ffmpeg` finds it; `None` where it finds none.
///
/// # Errors
/// What ends an extraction before anything is decoded.
pub async fn shown_track(
    ffmpeg: &Ffmpeg,
    source: &Arc<dyn Source>,
    options: &Options,
) -> Result<Option<TrackChoice>, ExtractError> {
    let (_, format) = check_and_sniff(source.as_ref(), options).await?;
    let input = Input::new(source, Shape::SWEEP)?;
    let video = FrontToBack {
        ffmpeg,
        source,
        format,
        options,
        presentation: &Presentation::unknown(ffmpeg),
    };
    let mut arguments = video.before_input(&input);
    arguments.extend(input.arguments());
    arguments.extend("-map 0:V:0 -c copy -f null -".split(' ').map(Into::into));
    let limits = &options.limits;
    let mut running = Running::start(ffmpeg, limits, Reads::Input(&input), &[], arguments)?;
    let mut choice = None;
    while let Some(event) = running.events.recv().await {
        if let Event::Videos(videos) = event {
            choice = track_choice(&videos, options);
            break;
        }
    }
    running.kill().await?;
    input.check()?;
    Ok(choice)
}
