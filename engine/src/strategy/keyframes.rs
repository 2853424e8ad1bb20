//! Which keyframes stand for the wanted moments, where the whole video is read.

use std::time::Duration;

use crate::ffmpeg::frames::Frame;
use crate::options::Options;

/// How far a keyframe's time, told in decimals, may be from the time itself, in milliseconds.
const TOLERANCE: f64 = 1e-5;

/// Picks out of all keyframes, as they come, those at or before the start of an interval; each
/// of them once. Moments before the first keyframe have that one.
///
/// Times are in milliseconds, so that moments are whole numbers, which doubles hold exactly.
#[derive(Debug)]
pub(crate) struct KeyframePicker {
    every: f64,
    from: f64,
    to: f64,
    /// Of the first frame of all, in seconds.
    start: Option<f64>,
    /// The last keyframe, until it is known whether it is wanted.
    held: Option<Frame>,
    /// The first interval that has no keyframe yet.
    interval: f64,
}

impl KeyframePicker {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            every: millis(options.every),
            from: millis(options.from.unwrap_or_default()),
            to: options.to.map_or(f64::INFINITY, millis),
            start: None,
            held: None,
            interval: 0.0,
        }
    }

    /// Takes the next keyframe, and gives the one before it if that is wanted.
    pub(crate) fn next(&mut self, frame: Frame) -> Option<Frame> {
        let start = *self.start.get_or_insert(frame.timestamp);
        let shown = (frame.timestamp - start) * 1e3 - TOLERANCE;
        let before = self.held.replace(frame)?;
        let moment = self.moment();
        if moment >= shown || moment >= self.to {
            return None;
        }
        self.interval = ((shown - self.from) / self.every).ceil();
        Some(before)
    }

    /// The last keyframe, if it stands for a moment before `end`, the end of the video in seconds
    /// from its start as far as it is known.
    pub(crate) fn last(self, end: Option<f64>) -> Option<Frame> {
        let moment = self.moment();
        let shown = (self.held.as_ref()?.timestamp - self.start?) * 1e3;
        // The end is that of the last frame, at which nothing is shown any more.
        let within = moment <= shown + TOLERANCE || end.is_some_and(|end| moment < end * 1e3);
        (within && moment < self.to).then_some(self.held).flatten()
    }

    fn moment(&self) -> f64 {
        self.interval.mul_add(self.every, self.from)
    }
}

#[expect(clippy::cast_precision_loss, reason = "285 thousand years fit")]
fn millis(duration: Duration) -> f64 {
    duration.as_millis() as f64
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// The seconds picked out of keyframes at `keys`, for a video that starts at 1.4 s.
    fn picked(options: &Options, keys: &[f64], end: Option<f64>) -> Vec<f64> {
        let mut picker = KeyframePicker::new(options);
        let frame = |seconds| Frame {
            image: Bytes::new(),
            timestamp: seconds + 1.4,
        };
        let mut frames: Vec<_> = keys.iter().filter_map(|&s| picker.next(frame(s))).collect();
        frames.extend(picker.last(end));
        frames
            .iter()
            .map(|frame| ((frame.timestamp - 1.4) * 1e3).round() / 1e3)
            .collect()
    }

    fn every(seconds: u64) -> Options {
        Options {
            every: Duration::from_secs(seconds),
            ..Options::default()
        }
    }

    #[test]
    fn the_keyframe_at_or_before_each_moment() {
        let keys = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0];
        assert_eq!(picked(&every(2), &keys, Some(11.0)), keys);
        assert_eq!(picked(&every(5), &keys, Some(11.0)), [0.0, 4.0, 10.0]);
        assert_eq!(picked(&every(3), &keys, Some(11.0)), [0.0, 2.0, 6.0, 8.0]);
    }

    #[test]
    fn a_keyframe_that_stands_for_many_moments_comes_once() {
        assert_eq!(
            picked(&every(1), &[0.0, 7.5, 20.0], Some(30.0)),
            [0.0, 7.5, 20.0]
        );
        assert_eq!(picked(&every(10), &[0.0], None), [0.0]);
    }

    #[test]
    fn the_last_one_only_for_a_moment_within_the_video() {
        assert_eq!(picked(&every(10), &[0.0, 8.0], Some(9.9)), [0.0]);
        assert_eq!(picked(&every(10), &[0.0, 8.0], Some(10.0)), [0.0]);
        assert_eq!(picked(&every(10), &[0.0, 8.0], Some(10.1)), [0.0, 8.0]);
        assert_eq!(picked(&every(10), &[0.0, 8.0], None), [0.0]);
    }

    #[test]
    fn within_the_wanted_span_also_one_before_it() {
        let span = Options {
            from: Some(Duration::from_secs(3)),
            to: Some(Duration::from_secs(8)),
            ..every(5)
        };
        assert_eq!(
            picked(&span, &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0], Some(11.0)),
            [2.0]
        );
        let longer = Options { to: None, ..span };
        let keys = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0];
        assert_eq!(picked(&longer, &keys, Some(11.0)), [2.0, 8.0]);
    }
}
