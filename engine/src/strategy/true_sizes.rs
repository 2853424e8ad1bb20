//! Each picture as large as it is coded, where the size changes on the way.
//!
//! Filters and encoders of one ffmpeg keep to one size. So for every further size another ffmpeg
//! decodes the video too, with all pictures scaled to that one, and those are taken from it
//! which have it. That costs a decode for each size; only such videos pay.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bytes::Bytes;

use super::front_to_back::FrontToBack;
use super::on_screen::ScreenFrames;
use super::outcome::PlanMismatch;
use crate::error::ExtractError;
use crate::ffmpeg::arguments::Sizes;
use crate::ffmpeg::input::Input;
use crate::ffmpeg::layout::{Coded, Picture};
use crate::ffmpeg::pictures::{Given, Pictures};
use crate::output::Frame;
use crate::plan::moments::Moments;

/// Pictures of sizes beyond these many stay scaled to the first.
const MAX_SIZES: usize = 16;

/// The ffmpegs for the sizes that a video's pictures have.
pub(super) struct TrueSizes<'a> {
    video: FrontToBack<'a>,
    input: &'a Input,
    /// The size of the first picture, which is that of the ffmpeg which all frames come from.
    first: Option<Coded>,
    others: BTreeMap<Coded, Follower>,
}

/// An ffmpeg that gives the same frames in another size.
struct Follower {
    pictures: Pictures,
    frames: ScreenFrames,
    ended: bool,
}

impl<'a> TrueSizes<'a> {
    pub(super) fn new(video: FrontToBack<'a>, input: &'a Input) -> Self {
        Self {
            video,
            input,
            first: None,
            others: BTreeMap::new(),
        }
    }

    /// `frame` with its picture as large as it is coded, where ffmpeg tells how large that is.
    pub(super) async fn of(&mut self, frame: Frame) -> Result<Frame, ExtractError> {
        let Some(coded) = frame.coded else {
            return Ok(frame);
        };
        if *self.first.get_or_insert(coded) == coded {
            return Ok(frame);
        }
        if !self.others.contains_key(&coded) {
            if self.others.len() >= MAX_SIZES {
                return Ok(frame);
            }
            let pictures = self.video.start(self.input, Sizes::Only(coded))?;
            let frames = ScreenFrames::new(Moments::new(self.video.options));
            let follower = Follower {
                pictures,
                frames,
                ended: false,
            };
            self.others.insert(coded, follower);
        }
        let Some(follower) = self.others.get_mut(&coded) else {
            return Ok(frame);
        };
        let image = follower.frame_at(&frame, self.video).await?;
        let image = image.ok_or_else(|| {
            ExtractError::Machine(format!("ffmpeg gave no picture of a frame of {coded:?}"))
        })?;
        let picture = Picture {
            image,
            ..frame.picture
        };
        Ok(Frame { picture, ..frame })
    }
}

impl Follower {
    /// The picture of the frame that begins when `frame` does.
    async fn frame_at(
        &mut self,
        frame: &Frame,
        video: FrontToBack<'_>,
    ) -> Result<Option<Bytes>, ExtractError> {
        loop {
            while let Some(found) = self.frames.next().map_err(amiss)? {
                match found.begins.total_cmp(&frame.begins) {
                    Ordering::Less => {}
                    Ordering::Equal => return Ok(Some(found.picture.image)),
                    Ordering::Greater => return Ok(None),
                }
            }
            if self.ended {
                return Ok(None);
            }
            match self.pictures.next().await? {
                Given::Input { .. } | Given::Presentation(_) => {}
                Given::Time(time, coded) => self.frames.begins(time, coded),
                Given::Picture(end, picture) => self.frames.picture(end, picture),
                Given::End => {
                    self.ended = true;
                    // It is known to be on screen at a moment, however long that is.
                    let last = self.frames.last(Some(i64::MAX), video.options.mode);
                    let last = last.map_err(amiss)?;
                    let is_it = |last: &Frame| last.begins.total_cmp(&frame.begins).is_eq();
                    return Ok(last.filter(is_it).map(|last| last.picture.image));
                }
            }
        }
    }
}

fn amiss(mismatch: PlanMismatch) -> ExtractError {
    ExtractError::Machine(mismatch.0)
}
