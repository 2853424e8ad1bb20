//! From the times and pictures that an ffmpeg gives to the frames that are on screen.

use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::ffmpeg::layout::{Coded, Picture};
use crate::options::Mode;
use crate::output::Frame;
use crate::plan::moments::{Moments, OnScreen, end_of_last};
use crate::strategy::outcome::PlanMismatch;

/// Ticks of a second: times are in nanoseconds.
pub(super) const NANOS: u32 = 1_000_000_000;

/// Pairs frames with their pictures, in the order in which they are shown.
#[derive(Debug)]
pub(super) struct ScreenFrames {
    screen: OnScreen,
    /// When frames begin, of which it is not known yet when they end.
    begun: VecDeque<(i64, Option<Coded>)>,
    /// Pictures, each with the time at which the next frame begins.
    pictures: VecDeque<(i64, Picture)>,
    /// How long the last frame was on screen that has ended.
    gap: i64,
    /// How many frames have begun.
    seen: u64,
}

impl ScreenFrames {
    pub(super) fn new(moments: Moments) -> Self {
        Self {
            screen: OnScreen::new(moments, NANOS),
            begun: VecDeque::new(),
            pictures: VecDeque::new(),
            gap: 0,
            seen: 0,
        }
    }

    /// How many frames there were.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether every moment before the wanted end has its frame.
    pub(super) fn is_complete(&self) -> bool {
        self.screen.is_complete()
    }

    /// A frame begins.
    pub(super) fn begins(&mut self, time: i64, coded: Option<Coded>) {
        self.seen += 1;
        self.begun.push_back((time, coded));
    }

    /// A picture of the frame that is on screen until `end`.
    pub(super) fn picture(&mut self, end: i64, picture: Picture) {
        self.pictures.push_back((end, picture));
    }

    /// The next frame that is on screen at a moment, as far as all of it is known.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, PlanMismatch> {
        while let (Some(&(begins, coded)), Some(&(end, _))) =
            (self.begun.front(), self.begun.get(1))
        {
            let mut screen_then = self.screen.clone();
            let moments = screen_then.until(end);
            if !moments.is_empty() {
                let Some(picture) = self.take_picture(|label| label.cmp(&end))? else {
                    return Ok(None);
                };
                self.advance(screen_then, end - begins);
                return Ok(Some(Frame {
                    picture,
                    begins: seconds(begins),
                    moments,
                    coded,
                }));
            }
            self.advance(screen_then, end - begins);
        }
        Ok(None)
    }

    /// The last frame, if it is on screen at a moment, where there are no more, and the file ends at
    /// `file_end`. Where keyframes are all that is decoded, they do not tell how long a frame is shown.
    pub(super) fn last(
        &mut self,
        file_end: Option<i64>,
        mode: Mode,
    ) -> Result<Option<Frame>, PlanMismatch> {
        if self.begun.len() > 1 {
            return Err(missing());
        }
        let Some((begins, coded)) = self.begun.pop_front() else {
            return Ok(None);
        };
        let end = match (mode, file_end) {
            (Mode::Keyframe, Some(end)) => end.max(begins + 1),
            _ => end_of_last(begins, self.gap, file_end, NANOS),
        };
        let moments = self.screen.until(end);
        if moments.is_empty() {
            return Ok(None);
        }
        let after = |label: i64| {
            if label > begins {
                Ordering::Equal
            } else {
                Ordering::Less
            }
        };
        let picture = self.take_picture(after)?.ok_or_else(missing)?;
        Ok(Some(Frame {
            picture,
            begins: seconds(begins),
            moments,
            coded,
        }))
    }

    fn advance(&mut self, screen: OnScreen, gap: i64) {
        self.screen = screen;
        self.gap = gap;
        self.begun.pop_front();
    }

    /// Takes the picture whose time compares as equal; `None` if it has not come yet.
    fn take_picture(
        &mut self,
        compare: impl Fn(i64) -> Ordering,
    ) -> Result<Option<Picture>, PlanMismatch> {
        while let Some((label, picture)) = self.pictures.pop_front() {
            match compare(label) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(picture)),
                Ordering::Greater => return Err(missing()),
            }
        }
        Ok(None)
    }
}

fn missing() -> PlanMismatch {
    PlanMismatch("ffmpeg gave a frame without its picture".into())
}

#[expect(clippy::cast_precision_loss, reason = "some days of nanoseconds fit")]
fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

/// A time in nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
pub(super) fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}
