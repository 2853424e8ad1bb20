//! Thumbnails side by side in one picture.

use super::Tile;
use crate::ffmpeg::layout::Thumbnail;

/// Where tiles of one size lie in a picture, with a gap around each; all lengths are even.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    columns: u32,
    rows: u32,
    tile: (u32, u32),
    gap: u32,
}

/// Brightness and colour of the ground: white.
const GROUND: (u8, u8) = (255, 128);

impl Grid {
    pub(super) fn new(tiles: &[&Tile], columns: u32, gap: u32) -> Self {
        let count = u32::try_from(tiles.len()).unwrap_or(u32::MAX).max(1);
        let columns = columns.min(count);
        let first = tiles.first().map(|tile| &tile.thumbnail);
        Self {
            columns,
            rows: count.div_ceil(columns),
            tile: first.map_or((2, 2), |first| (first.width, first.height)),
            gap,
        }
    }

    pub(super) fn width(&self) -> u32 {
        self.columns * (self.tile.0 + self.gap) + self.gap
    }

    pub(super) fn height(&self) -> u32 {
        self.rows * (self.tile.1 + self.gap) + self.gap
    }

    /// Where a tile's upper left corner lies.
    pub(super) fn place(&self, number: usize) -> (u32, u32) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let (column, row) = (number % self.columns, number / self.columns);
        (
            self.gap + column * (self.tile.0 + self.gap),
            self.gap + row * (self.tile.1 + self.gap),
        )
    }

    /// The picture, as planes (`yuvj420p`).
    pub(super) fn draw<'a>(&self, thumbnails: impl Iterator<Item = &'a Thumbnail>) -> Vec<u8> {
        let (width, height) = (self.width() as usize, self.height() as usize);
        let luma = width * height;
        let mut planes = vec![GROUND.0; luma];
        planes.resize(luma + luma / 2, GROUND.1);
        for (number, thumbnail) in thumbnails.enumerate() {
            let (x, y) = self.place(number);
            let (x, y) = (x as usize, y as usize);
            let (w, h) = (thumbnail.width as usize, thumbnail.height as usize);
            let mut source = &thumbnail.planes[..];
            for (offset, part) in [(0, 1), (luma, 2), (luma + luma / 4, 2)] {
                for row in 0..h / part {
                    let Some((line, rest)) = source.split_at_checked(w / part) else {
                        break;
                    };
                    let at = offset + (y / part + row) * (width / part) + x / part;
                    planes[at..at + line.len()].copy_from_slice(line);
                    source = rest;
                }
            }
        }
        planes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tile_lies_in_its_place_in_all_planes() {
        let tile = |value: u8| Tile {
            begins: 0.0,
            thumbnail: Thumbnail {
                width: 4,
                height: 2,
                planes: [vec![value; 8], vec![value + 1; 2], vec![value + 2; 2]]
                    .concat()
                    .into(),
            },
        };
        let tiles = [tile(10), tile(20), tile(30)];
        let tiles: Vec<_> = tiles.iter().collect();
        let grid = Grid::new(&tiles, 2, 2);
        assert_eq!((grid.width(), grid.height()), (14, 10));
        assert_eq!(grid.place(2), (2, 6));
        let planes = grid.draw(tiles.iter().map(|tile| &tile.thumbnail));
        assert_eq!(planes.len(), 14 * 10 * 3 / 2);
        let at = |x: usize, y: usize| planes[y * 14 + x];
        assert_eq!((at(0, 0), at(2, 2), at(5, 3), at(6, 3)), (255, 10, 10, 255));
        assert_eq!((at(8, 2), at(2, 6), at(8, 6)), (20, 30, 255));
        let blue = |x: usize, y: usize| planes[140 + y * 7 + x];
        assert_eq!(
            (blue(0, 0), blue(1, 1), blue(4, 1), blue(1, 3)),
            (128, 11, 21, 31)
        );
        let red = |x: usize, y: usize| planes[175 + y * 7 + x];
        assert_eq!((red(1, 1), red(2, 1), red(1, 3)), (12, 12, 32));
    }
}
