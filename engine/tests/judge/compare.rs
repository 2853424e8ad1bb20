//! Whether what the engine gave is what the judge sees.

use fotograma_engine::Options;

use super::shots::Shots;
use super::{Reference, Shown, Time};

/// Mean difference of two pictures, of 255, that an encoder may make.
const TOLERANCE: f64 = 4.0;

/// How much of the difference of two frames a picture must be nearer to the wrong one to say that it
/// was taken instead: an encoder's own error is as large as what changes in a still scene.
const NEARER: f64 = 0.5;

/// How far past the end a moment may be, in milliseconds: ticks are rounded.
const ROUNDING: i128 = 2;

/// Frames before and after the right one that are looked at as well.
const NEIGHBOURS: usize = 20;

/// What is wrong, a line each; nothing where all is right.
pub(crate) fn differences(reference: &Reference, shots: &Shots, options: &Options) -> Vec<String> {
    let mut wrong = Vec::new();
    let millis = |time: std::time::Duration| i128::try_from(time.as_millis()).expect("it fits");
    let every = millis(options.every);
    let mut at = millis(options.from.unwrap_or_default());
    let last = reference.frames.last().expect("frames").begins;
    let thumbs = shots.thumbs();
    let mut used = vec![false; thumbs.len()];
    let mut before: Option<(usize, &str)> = None;
    for row in &shots.rows {
        let moment = Time::millis(at);
        let right = reference.on_screen(moment);
        let shown = &reference.frames[right];
        let image = shots.image(&row.file);
        used[image] = true;
        let moment_is = (row.at - moment.seconds()).abs() < 6e-4;
        let frame_is = (row.seconds - shown.begins.seconds()).abs() < 6e-4;
        if !moment_is || !frame_is {
            let (moment, begins) = (moment.seconds(), shown.begins.seconds());
            wrong.push(format!(
                "at {moment:.3} s the frame of {begins:.3} s, not {row:?}"
            ));
        } else if let Some(what) = other(reference, right, &thumbs[image]) {
            wrong.push(format!("at {:.3} s {what}", moment.seconds()));
        }
        if let Some((frame, file)) = before
            && (frame == right) != (file == row.file)
        {
            wrong.push(format!("a frame is stored once: {row:?}"));
        }
        before = Some((right, &row.file));
        at += every;
    }
    let ends = |time: Time| {
        options
            .to
            .is_some_and(|to| Time::millis(millis(to)).is_by(time))
    };
    let next = Time::millis(at);
    if next.is_by(last) && !ends(next) {
        wrong.push(format!("nothing from {:.3} s on", next.seconds()));
    }
    let past = Time::millis(at - every);
    let surely_past = Time::millis(at - every - ROUNDING);
    if reference.end.is_by(surely_past) && !past.is_by(last) || ends(past) {
        wrong.push(format!("{:.3} s is past the end", past.seconds()));
    }
    if used.contains(&false) {
        wrong.push("a picture that no row names".into());
    }
    wrong
}

/// What is in the picture instead of the frame `right`.
fn other(reference: &Reference, right: usize, thumb: &[u8]) -> Option<String> {
    if reference.hdr {
        // Tone mapped: plain ffmpeg's pictures are others. Times tell which frame it is.
        return None;
    }
    let distance = |frame: &Shown| difference(&frame.thumb, thumb);
    let found = distance(&reference.frames[right]);
    let from = right.saturating_sub(NEIGHBOURS);
    let to = reference.frames.len().min(right + NEIGHBOURS + 1);
    let (best, nearest) = (from..to)
        .map(|at| (at, distance(&reference.frames[at])))
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let apart = difference(
        &reference.frames[best].thumb,
        &reference.frames[right].thumb,
    );
    if found - nearest > NEARER * apart + 0.05 {
        return Some(format!(
            "frame {best} ({nearest:.2} off) and not {right} ({found:.2})"
        ));
    }
    (found > TOLERANCE).then(|| format!("a picture that is {found:.2} off"))
}

/// The mean difference of two pictures.
#[expect(clippy::cast_precision_loss, reason = "pictures are small")]
pub(crate) fn difference(a: &[u8], b: &[u8]) -> f64 {
    let sum: u64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.len().max(1) as f64
}
