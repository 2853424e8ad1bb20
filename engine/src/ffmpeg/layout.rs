//! What the streams of an ffmpeg's output are.

use bytes::Bytes;

/// How a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Coded {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// How many times as wide as high a sample is, in parts of [`ASPECT_UNIT`].
    pub(crate) aspect: u32,
}

/// The aspect of a square sample.
pub(crate) const ASPECT_UNIT: u32 = 8192;

/// Which stream of the output carries what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The time of every frame, and beside it the chosen pictures.
    TimesAndPictures,
    /// The time and the width of every frame, its height, the aspect of its samples, and the chosen
    /// pictures.
    SizesAndPictures,
    /// Pictures only.
    Pictures,
}

impl Layout {
    /// The number of the stream of pictures; that of their thumbnails comes behind it.
    pub(crate) fn pictures(self) -> usize {
        match self {
            Self::TimesAndPictures => 1,
            Self::SizesAndPictures => 3,
            Self::Pictures => 0,
        }
    }
}

/// A picture as it was asked for, and the same as a thumbnail where that was asked for too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Encoded.
    pub(crate) image: Bytes,
    pub(crate) thumbnail: Option<Thumbnail>,
}

/// A small picture, as planes: brightness, and two of colour, half as wide and as high (`yuvj420p`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thumbnail {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) planes: Bytes,
}
