//! ffmpeg as a confined child: what it is told, what it gives, and what its end means.

pub(crate) mod arguments;
pub(crate) mod confinement;
pub(crate) mod exit;
pub(crate) mod input;
pub(crate) mod layout;
pub(crate) mod log;
mod nut;
pub(crate) mod packet_times;
pub(crate) mod pictures;
pub(crate) mod presentation;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod still;
pub(crate) mod stream_facts;
mod tone_map;
