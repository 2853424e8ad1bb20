//! Keyframes alone, of a file that must be read from front to back.
//!
//! Not every decoder can leave out what is no keyframe (those of VP9, AV1 and Theora decode all). So one
//! ffmpeg takes the keyframes out of the container, as it says which they are, and a second one,
//! which reads the first one's output, decodes nothing else. Beside them the first one tells when
//! packets are shown, of which the last two say where the video ends.

use super::front_to_back::FrontToBack;
use super::on_screen::{NANOS, ScreenFrames, nanos};
use super::outcome::{OTHER_SIZES, Outcome, PlanFailure, PlanMismatch};
use crate::container::sniff::ContainerFormat;
use crate::counters::Counters;
use crate::error::ExtractError;
use crate::ffmpeg::arguments::{self, Sizes, Zero};
use crate::ffmpeg::input::Input;
use crate::ffmpeg::log::Event;
use crate::ffmpeg::packet_times::PacketTimes;
use crate::ffmpeg::pictures::{Given, Pictures, check_duration};
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::process::{Reads, Running};
use crate::ffmpeg::stream_facts::StreamFacts;
use crate::io::loopback::Shape;
use crate::options::{Mode, Options};
use crate::output::Output;
use crate::plan::moments::{Moments, end_of_last};

/// How far times in different ticks may be apart, in nanoseconds.
const TOLERANCE: i64 = 1_000;

/// What the first ffmpeg says of the file before it gives anything.
struct About {
    duration: Option<f64>,
    start: f64,
    videos: Vec<StreamFacts>,
}

/// Gives the keyframes on screen to `output`. Whatever is not as it should be, the other way finds out
/// what it is.
pub(super) async fn extract_frames(
    video: FrontToBack<'_>,
    damaged: Option<String>,
    counters: &Counters,
    output: &mut Output,
) -> Result<Outcome, PlanFailure> {
    let (options, limits) = (video.options, &video.options.limits);
    let input = Input::new(video.source, Shape::SWEEP)?;
    let (mut reader, about) = start_reader(video, &input).await?;
    if let Some(other) = video.presentation.other(&about.videos, options) {
        reader.kill().await?;
        return Err(PlanFailure::Presentation(other));
    }
    let Some(presentation) = video.presentation.alone(&about.videos) else {
        reader.kill().await?;
        return Err(mismatch("its pictures are turned, or transparent"));
    };
    let size = about.videos.get(video.presentation.stream());
    if size.is_some_and(|facts| facts.pixels() > limits.pixels) {
        reader.kill().await?;
        return Err(mismatch("its pictures are large"));
    }
    if let Some(seconds) = about.duration {
        check_duration(options, video.source.len(), seconds)?;
        let end = about.start.max(0.0) + seconds;
        counters.set_span(options, end);
    }
    let decoder = start_decoder(video, &presentation, &mut reader)?;
    let mut pictures = decoder.with_known_presentation();
    let mut frames = ScreenFrames::new(Moments::new(options));
    let mut begun = Vec::new();
    while !frames.is_complete() {
        match pictures.next().await? {
            Given::Input { .. } | Given::Presentation(_) => {}
            Given::Time(time, coded) => {
                begun.push(time);
                frames.begins(time, coded);
            }
            Given::Picture(..) if pictures.has_other_sizes() => return Err(mismatch(OTHER_SIZES)),
            Given::Picture(end, picture) => frames.picture(end, picture),
            Given::End => break,
        }
        while let Some(frame) = frames.next()? {
            output.frame(frame).await?;
        }
    }
    if frames.is_complete() {
        pictures.kill().await?;
        let log = reader.kill().await?;
        input.check()?;
        check_keys(&begun, &log.packets, false)?;
    } else {
        let (of_decoder, of_reader) = (pictures.wait().await?, reader.wait().await?);
        input.check()?;
        for ended in [&of_reader, &of_decoder] {
            if !ended.status.success() || ended.log.complaints > 0 {
                let first = ended.log.first.first().map(String::as_str);
                return Err(mismatch(first.unwrap_or("ffmpeg ended early")));
            }
        }
        if of_decoder.log.other_sizes {
            return Err(mismatch(OTHER_SIZES));
        }
        check_keys(&begun, &of_reader.log.packets, true)?;
        let file_end = about.duration.filter(|_| video.format.knows_its_end());
        let file_end = file_end.map(|seconds| nanos(about.start.max(0.0) + seconds));
        let end = end_of_video(&of_reader.log.packets, file_end)
            .ok_or_else(|| mismatch("its packets have no times"))?;
        if let Some(frame) = frames.last(Some(end), Mode::Keyframe)? {
            output.frame(frame).await?;
        }
    }
    Ok(Outcome {
        duration: about.duration,
        damaged,
    })
}

/// Makes sure that what was decoded are the keyframes, and all of them, as far as they have been read.
/// A decoder of H.264 that gets nothing between them may lose those at which nothing begins anew.
fn check_keys(begun: &[i64], packets: &PacketTimes, all: bool) -> Result<(), PlanFailure> {
    let keys = packets.keys();
    let (Some(first), Some(zero)) = (begun.first(), keys.first()) else {
        return Err(mismatch("there are no keyframes"));
    };
    let same = |(time, key): (&i64, &i64)| ((time - first) - (key - zero)).abs() <= TOLERANCE;
    if all && begun.len() != keys.len() || !begun.iter().zip(&keys).all(same) {
        return Err(mismatch("what is decoded are not the keyframes"));
    }
    Ok(())
}

fn mismatch(what: &str) -> PlanFailure {
    PlanMismatch(what.to_owned()).into()
}

/// When the last frame ends, keyframe or not, as in a decode of all.
fn end_of_video(packets: &PacketTimes, file_end: Option<i64>) -> Option<i64> {
    let (begins, gap) = packets.last()?;
    Some(end_of_last(begins, gap, file_end, NANOS))
}

/// Starts the ffmpeg that reads the file, and takes in what it says of it.
async fn start_reader(
    video: FrontToBack<'_>,
    input: &Input,
) -> Result<(Running, About), PlanFailure> {
    let map = video.presentation.map();
    let mut arguments = video.before_input(input);
    arguments.extend(input.arguments());
    // NUT knows no times below zero.
    let offset = arguments::ORIGIN / i64::from(NANOS);
    let words = format!(
        "-map {map} -c copy -bsf:v noise=drop=not(key) -map_metadata -1 -output_ts_offset {offset} \
         -f nut -write_index 0 pipe:1 \
         -map {map} -c copy -map_metadata -1 -flush_packets 1 -f framecrc pipe:2"
    );
    arguments.extend(words.split_whitespace().map(Into::into));
    let limits = &video.options.limits;
    let mut reader = Running::start(video.ffmpeg, limits, Reads::Input(input), &[], arguments)?;
    let (mut duration, mut start) = (None, 0.0);
    loop {
        match reader.events.recv().await {
            Some(Event::Input {
                duration: told,
                start: begins,
            }) => (duration, start) = (told, begins),
            Some(Event::Videos(videos)) => {
                let start = match video.format {
                    ContainerFormat::Iso => start,
                    _ => 0.0,
                };
                let about = About {
                    duration,
                    start,
                    videos,
                };
                return Ok((reader, about));
            }
            Some(Event::Complaint | Event::OtherSize) => {}
            None => {
                reader.kill().await?;
                input.check()?;
                return Err(mismatch("the file cannot be read"));
            }
        }
    }
}

/// Starts the ffmpeg that decodes what the other one reads.
fn start_decoder(
    video: FrontToBack<'_>,
    presentation: &Presentation,
    reader: &mut Running,
) -> Result<Pictures, ExtractError> {
    let machine = |what: String| ExtractError::Machine(what);
    let keyframes = reader.stdout.take();
    let keyframes = keyframes.ok_or_else(|| machine("ffmpeg has no standard output".into()))?;
    let keyframes = keyframes
        .into_owned_fd()
        .map_err(|error| machine(format!("ffmpeg's standard output: {error}")))?;
    let (options, sizes) = (video.options, Sizes::First);
    let limits = &options.limits;
    let mut arguments = arguments::before_input(video.ffmpeg, limits, "nut", "pipe");
    arguments.extend(["-copyts", "-f", "nut", "-i", "pipe:0"].map(Into::into));
    let zero = match video.zero() {
        Zero::Input => Zero::Origin,
        zero => zero,
    };
    let moments = Moments::new(options);
    // Nothing but keyframes comes, whatever the decoder makes of them.
    let all = &Options {
        mode: Mode::Exact,
        ..options.clone()
    };
    arguments.extend(arguments::on_screen(
        all,
        &moments,
        zero,
        presentation,
        sizes,
    ));
    let (files, reads) = (presentation.files(), Reads::Pipe(keyframes));
    let running = Running::start(video.ffmpeg, limits, reads, &files, arguments)?;
    Pictures::new(running, sizes.layout(), options, presentation)
}
