//! A synthetic fragmented mp4 (ISO/IEC 14496-12, section 8.8): the original's codec parameters,
//! then any of its samples, as a stream that a decoder reads from a pipe.
//!
//! Its ticks are half as long as the original's, so that the lowest bit of a time is free: it
//! marks the wanted frames, which a filter then picks out by `mod(pts,2)`.

mod boxes;
mod fragment;
mod init_boxes;
mod init_segment;
mod times;

pub(crate) use fragment::{FragmentSample, write_fragment_header};
pub(crate) use init_boxes::{Colours, SampleDescription, write_init_boxes};
pub(crate) use init_segment::write_init_segment;
pub(crate) use times::MarkedTimes;
