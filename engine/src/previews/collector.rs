//! Takes what previews are made of from the frames as they come, of which nobody knows how many there will be.

use bytes::Bytes;

use super::Tile;
use crate::ffmpeg::layout::Thumbnail;
use crate::options::{Format, Options};
use crate::output::Frame;

/// As soon as there are more tiles than twice this, every second one goes.
const TILES: usize = 100;

/// The first part of a video, from which the poster is taken: this share of it, or where its end is not
/// known so many seconds.
const FIRST_PART: f64 = 0.25;
const FIRST_SECONDS: f64 = 60.0;

/// A picture that is darker or brighter than this in the mean is black or white, and one whose
/// brightness is spread less than this has one colour (of 255).
const BRIGHTNESS: std::ops::Range<f64> = 24.0..235.0;
const SPREAD: f64 = 12.0;

/// What has been collected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collector {
    tiles: Vec<Tile>,
    /// Every so many frames one becomes a tile.
    stride: u64,
    frames: u64,
    /// Whether the frames' format loses nothing.
    is_lossless: bool,
    poster: Option<Poster>,
}

/// A frame that may become the poster.
#[derive(Clone, Debug)]
struct Poster {
    image: Bytes,
    detail: u64,
    /// Whether it shows something.
    shows: bool,
    begins: f64,
}

impl Collector {
    /// Of frames in the format of `options`.
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            is_lossless: options.format == Format::Png,
            ..Self::default()
        }
    }

    /// Takes a frame of a video of which frames are wanted in `span`, in seconds, where that is known.
    pub(crate) fn take(&mut self, frame: &Frame, span: Option<(f64, f64)>) {
        let Some(thumbnail) = &frame.picture.thumbnail else {
            return;
        };
        self.consider_poster(frame, thumbnail, span);
        let is_wanted = self.frames.is_multiple_of(self.stride.max(1));
        self.frames += 1;
        let same_size = self.tiles.first().is_none_or(|first| {
            let first = &first.thumbnail;
            (first.width, first.height) == (thumbnail.width, thumbnail.height)
        });
        if !is_wanted || !same_size {
            return;
        }
        self.tiles.push(Tile {
            begins: frame.begins,
            // What it came in is longer than it.
            thumbnail: Thumbnail {
                planes: Bytes::copy_from_slice(&thumbnail.planes),
                ..*thumbnail
            },
        });
        if self.tiles.len() > TILES * 2 {
            let mut number = 0;
            self.tiles.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride = self.stride.max(1) * 2;
        }
    }

    /// Of the frames of the first part that show something, the one with most detail becomes the poster. Where
    /// none shows something, it is the first of those behind that does.
    fn consider_poster(&mut self, frame: &Frame, thumbnail: &Thumbnail, span: Option<(f64, f64)>) {
        let first_part = match span {
            Some((from, to)) => from + (to - from) * FIRST_PART,
            None => FIRST_SECONDS,
        };
        let shows = shows_something(thumbnail);
        // In a lossy format of one quality detail takes bytes, and a blurred picture has few. A lossless one is
        // short where it is drawn.
        let detail = if self.is_lossless {
            contours(thumbnail)
        } else {
            frame.picture.image.len() as u64
        };
        let is_better = match &self.poster {
            None => true,
            Some(poster) if frame.begins > first_part => shows && !poster.shows,
            Some(poster) => {
                shows && !poster.shows || shows == poster.shows && detail > poster.detail
            }
        };
        if is_better {
            self.poster = Some(Poster {
                image: frame.picture.image.clone(),
                detail,
                shows,
                begins: frame.begins,
            });
        }
    }

    /// The tiles, and the poster's image as the frame has it.
    pub(super) fn finish(self) -> (Vec<Tile>, Option<Bytes>) {
        if let Some(poster) = &self.poster {
            tracing::debug!(begins = poster.begins, shows = poster.shows, "the poster");
        }
        (self.tiles, self.poster.map(|poster| poster.image))
    }
}

/// How much brightness bends from pixel to pixel, in all.
fn contours(thumbnail: &Thumbnail) -> u64 {
    let width = thumbnail.width as usize;
    let luma = luma(thumbnail);
    let across = luma.windows(3).map(|three| (three[0], three[1], three[2]));
    let down = luma.windows(width * 2 + 1);
    let down = down.map(|three| (three[0], three[width], three[width * 2]));
    // Blur leaves slopes, and takes their bends.
    let bend = |(a, b, c): (u8, u8, u8)| (u64::from(a) + u64::from(c)).abs_diff(u64::from(b) * 2);
    across.chain(down).map(bend).sum()
}

fn luma(thumbnail: &Thumbnail) -> &[u8] {
    let pixels = thumbnail.width as usize * thumbnail.height as usize;
    thumbnail.planes.get(..pixels).unwrap_or_default()
}

/// Whether a picture is neither black nor white nor of one colour.
#[expect(clippy::cast_precision_loss, reason = "some thousand pixels")]
fn shows_something(thumbnail: &Thumbnail) -> bool {
    let luma = luma(thumbnail);
    let (mut sum, mut squares) = (0_u64, 0_u64);
    for &value in luma {
        let value = u64::from(value);
        sum += value;
        squares += value * value;
    }
    let count = (luma.len() as f64).max(1.0);
    let mean = sum as f64 / count;
    let spread = (squares as f64 / count - mean * mean).max(0.0).sqrt();
    BRIGHTNESS.contains(&mean) && spread >= SPREAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffmpeg::layout::Picture;

    /// A frame at so many seconds whose left half is of one brightness and right half of another.
    fn frame(begins: f64, halves: [u8; 2], bytes: usize) -> Frame {
        let line = [[halves[0]; 8], [halves[1]; 8]].concat();
        let mut planes = line.repeat(8);
        planes.resize(16 * 8 * 3 / 2, 128);
        Frame {
            picture: Picture {
                image: vec![halves[0]; bytes].into(),
                thumbnail: Some(Thumbnail {
                    width: 16,
                    height: 8,
                    planes: planes.into(),
                }),
            },
            begins,
            moments: 0..1,
            coded: None,
        }
    }

    fn poster(frames: &[Frame], span: Option<(f64, f64)>) -> u8 {
        let mut collector = Collector::default();
        for frame in frames {
            collector.take(frame, span);
        }
        collector.finish().1.expect("a poster")[0]
    }

    #[test]
    fn the_poster_is_not_black_nor_white_nor_blurred_and_of_the_first_part() {
        let black = frame(0.0, [0, 2], 900);
        let white = frame(1.0, [255, 250], 900);
        let blurred = frame(2.0, [60, 180], 200);
        let sharp = frame(3.0, [61, 180], 800);
        let late = frame(90.0, [62, 180], 2000);
        let all = [black, white, blurred, sharp, late];
        assert_eq!(poster(&all, Some((0.0, 100.0))), 61);
        assert_eq!(poster(&all, None), 61);
        // The first part of what is wanted may begin later.
        assert_eq!(poster(&all, Some((80.0, 200.0))), 62);
        // Where nothing is to be seen in the first part.
        assert_eq!(poster(&[all[0].clone(), all[4].clone()], None), 62);
        assert_eq!(poster(&all[..1], None), 0);
    }

    #[test]
    fn however_many_frames_come_tiles_are_few_and_evenly_spaced() {
        for count in [1_u32, 99, 200, 201, 5000] {
            let mut collector = Collector::default();
            for number in 0..count {
                collector.take(&frame(f64::from(number), [60, 180], 1), None);
            }
            let (tiles, _) = collector.finish();
            assert!(!tiles.is_empty() && tiles.len() <= 200, "{count}");
            assert!(
                count < 200 || tiles.len() >= 100,
                "{count}: {}",
                tiles.len()
            );
            let gaps: Vec<_> = tiles
                .windows(2)
                .map(|two| two[1].begins - two[0].begins)
                .collect();
            assert!(
                gaps.windows(2).all(|two| two[0].total_cmp(&two[1]).is_eq()),
                "{count}"
            );
        }
    }
}
