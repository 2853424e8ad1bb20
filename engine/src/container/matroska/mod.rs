//! Matroska and `WebM` (RFC 9559, on EBML, RFC 8794): which bytes hold which frame, and when it is
//! shown.
//!
//! What is found is told as if the file were an mp4: the same plan, and the same synthetic file for the
//! decoder. What is unusual makes the index unusable, never a guess.

mod blocks;
mod cues;
mod ebml;
mod ids;
mod open;
mod opening;
mod stretches;
mod structure;
mod track;
mod window;

pub(crate) use open::open_index;
pub(crate) use structure::inspect_structure;
