//! ISO base media (ISO/IEC 14496-12): mp4, mov, 3gp. Boxes read and written, and the index: which
//! bytes hold which frame, and when it is shown.
//!
//! What a track means follows ffmpeg's demuxer, because the frames chosen here must be those that
//! it would show. Nothing in a file is believed: every count is held against the bytes that are
//! there before anything is allocated, and whatever is unusual makes the index unusable, never a
//! guess.

mod boxes;
mod edit_list;
mod flags;
mod fragments;
mod index;
mod locate;
mod open;
mod sample_entry;
mod sample_tables;
mod samples;
mod structure;
mod track;
mod track_choice;
pub(crate) mod write;

pub(crate) use index::{Index, InitBoxes, PresentationRange};
#[cfg(fuzzing)]
pub(crate) use locate::{MoovSearch, locate_moov};
pub(crate) use open::open_index;
pub use sample_entry::Codec;
pub(crate) use samples::{MAX_SAMPLES, MAX_SIZE, Sample};
pub(crate) use structure::inspect_structure;
#[cfg(any(test, fuzzing))]
pub(crate) use track::parse_index;
pub use track_choice::{TrackChoice, TrackReason};
