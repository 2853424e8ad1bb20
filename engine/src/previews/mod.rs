//! Pictures by which a video is known before it is opened, made of its frames on their way into the zip:
//! a poster, a storyboard for a player's bar, and a contact sheet for people.

mod collector;
mod sheet;
mod web_vtt;

use bytes::Bytes;

use crate::error::ExtractError;
use crate::ffmpeg::layout::Thumbnail;
use crate::ffmpeg::program::Ffmpeg;
use crate::ffmpeg::still;
use crate::options::{Format, Options};
pub(crate) use collector::Collector;
use sheet::Grid;

/// Quantiser of the sheets' JPEGs.
const SHEET_QUALITY: u8 = 4;

/// Small pictures in a row of a storyboard, and how many there are at most.
const STORYBOARD_COLUMNS: u32 = 10;
const STORYBOARD_TILES: usize = 100;

/// The same of a contact sheet, and the pixels around each.
const CONTACT_COLUMNS: u32 = 5;
const CONTACT_TILES: usize = 30;
const CONTACT_GAP: u32 = 8;

/// Pictures by which a video is known before it is opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Previews {
    /// A JPEG: one of the frames of the first part, neither black nor blurred where there is one.
    pub poster: Bytes,
    /// Small pictures of all of the video.
    pub storyboard: Storyboard,
    /// A JPEG of larger ones, where it was asked for.
    pub contact_sheet: Option<Bytes>,
}

/// Small pictures side by side in one, and when each stands for the video.
#[derive(Clone, Debug, PartialEq)]
pub struct Storyboard {
    /// A JPEG.
    pub sheet: Bytes,
    /// In the order of time.
    pub cues: Vec<Cue>,
}

/// A part of a storyboard, and the span of the video for which it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cue {
    /// In seconds, on the player's clock.
    pub start: f64,
    /// In seconds, behind `start`.
    pub end: f64,
    /// Its left edge, in pixels.
    pub x: u32,
    /// Its upper edge.
    pub y: u32,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl Storyboard {
    /// The cues as `WebVTT`, as players read them, of a sheet at `address`, which may be relative to where
    /// the text itself lies.
    #[must_use]
    pub fn web_vtt(&self, address: &str) -> String {
        web_vtt::write(&self.cues, address)
    }
}

/// How large a thumbnail is at most, in pixels each way.
pub(crate) fn thumbnail_box(options: &Options) -> Option<u32> {
    match (options.previews, options.contact_sheet) {
        (_, true) => Some(320),
        (true, false) => Some(160),
        (false, false) => None,
    }
}

/// Makes the pictures of what was collected of a video that ends at `end`, in seconds; `None` where
/// nothing was.
pub(crate) async fn make(
    ffmpeg: &Ffmpeg,
    options: &Options,
    collector: Collector,
    end: Option<f64>,
) -> Result<Option<Previews>, ExtractError> {
    let (tiles, Some(poster)) = collector.finish() else {
        return Ok(None);
    };
    let poster = match options.format {
        Format::Jpg => poster,
        Format::Png | Format::Webp => {
            still::from_image(ffmpeg, options, poster, options.quality).await?
        }
    };
    let contact_sheet = if options.contact_sheet {
        let tiles = evenly(&tiles, CONTACT_TILES);
        let grid = Grid::new(&tiles, CONTACT_COLUMNS, CONTACT_GAP);
        Some(encode(ffmpeg, options, &grid, &tiles, 1).await?)
    } else {
        None
    };
    let tiles = evenly(&tiles, STORYBOARD_TILES);
    let grid = Grid::new(&tiles, STORYBOARD_COLUMNS, 0);
    // Those of a contact sheet are twice as large.
    let shrink = if options.contact_sheet { 2 } else { 1 };
    let sheet = encode(ffmpeg, options, &grid, &tiles, shrink).await?;
    let cues = cues(&tiles, &grid, shrink, end);
    Ok(Some(Previews {
        poster,
        storyboard: Storyboard { sheet, cues },
        contact_sheet,
    }))
}

/// A thumbnail, and when its frame begins, in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    begins: f64,
    thumbnail: Thumbnail,
}

/// `most` of the tiles at most, as far from each other as that allows, the first among them.
fn evenly(tiles: &[Tile], most: usize) -> Vec<&Tile> {
    let count = tiles.len().min(most);
    (0..count)
        .map(|number| &tiles[number * tiles.len() / count])
        .collect()
}

async fn encode(
    ffmpeg: &Ffmpeg,
    options: &Options,
    grid: &Grid,
    tiles: &[&Tile],
    shrink: u32,
) -> Result<Bytes, ExtractError> {
    let planes = grid.draw(tiles.iter().map(|tile| &tile.thumbnail));
    still::from_planes(
        ffmpeg,
        options,
        (grid.width(), grid.height()),
        planes,
        shrink,
        SHEET_QUALITY,
    )
    .await
}

/// Each tile stands for the video until the next one does, the first from the video's beginning.
fn cues(tiles: &[&Tile], grid: &Grid, shrink: u32, end: Option<f64>) -> Vec<Cue> {
    let next = |number: usize| tiles.get(number + 1).map(|tile| tile.begins);
    let cue = |(number, tile): (usize, &&Tile)| {
        let start = if number == 0 { 0.0 } else { tile.begins };
        let (x, y) = grid.place(number);
        Cue {
            start,
            end: next(number).or(end).unwrap_or_default().max(start + 0.001),
            x: x / shrink,
            y: y / shrink,
            width: tile.thumbnail.width / shrink,
            height: tile.thumbnail.height / shrink,
        }
    };
    tiles.iter().enumerate().map(cue).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(begins: f64) -> Tile {
        Tile {
            begins,
            thumbnail: Thumbnail {
                width: 160,
                height: 90,
                planes: Bytes::from(vec![0; 160 * 90 * 3 / 2]),
            },
        }
    }

    #[test]
    fn cues_follow_each_other_to_the_end() {
        let tiles: Vec<_> = (0..12).map(|n| tile(f64::from(n) * 2.0 + 0.5)).collect();
        let tiles: Vec<_> = tiles.iter().collect();
        let grid = Grid::new(&tiles, STORYBOARD_COLUMNS, 0);
        let cues = cues(&tiles, &grid, 1, Some(24.0));
        assert_eq!((cues[0].start, cues[0].end), (0.0, 2.5));
        assert!(cues.is_sorted_by(|a, b| a.end.total_cmp(&b.start).is_eq()));
        assert_eq!((cues[11].start, cues[11].end), (22.5, 24.0));
        assert_eq!((cues[11].x, cues[11].y), (160, 90));
    }

    #[test]
    fn tiles_are_taken_evenly() {
        let tiles: Vec<_> = (0..150).map(|n| tile(f64::from(n))).collect();
        let taken: Vec<_> = evenly(&tiles, 100).iter().map(|tile| tile.begins).collect();
        assert_eq!((taken.len(), taken[0], taken[99]), (100, 0.0, 148.0));
        assert!(taken.windows(2).all(|two| two[1] - two[0] <= 2.0));
        assert_eq!(evenly(&tiles[..3], 100).len(), 3);
    }
}
