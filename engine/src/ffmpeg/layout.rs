//! What the streams of an ffmpeg's output are.

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
