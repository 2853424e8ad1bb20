//! What can be told of a coded frame from its first bytes: whether decoding can start there, and
//! whether anything depends on it.

mod av1;
mod bits;
mod h264;
mod hevc;
mod nal;

use crate::index::Family;

/// How decoding can start at a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing before it matters, also to a decoder that has just decoded something else.
    Clean,
    /// Nothing before it matters to a decoder that is told of the cut.
    Cut,
    /// Nothing before it matters to a decoder that is new.
    Fresh,
    /// Frames after it may depend on what comes before it.
    Dependent,
}

/// How decoding can start at the sample `data`.
#[must_use]
pub fn start(family: Family, data: &[u8]) -> Start {
    match family {
        Family::H264 { length_size } => h264::start(data, length_size),
        Family::Hevc { length_size, .. } => hevc::start(data, length_size),
        Family::Vp9 => clean_if(vp9_key(data)),
        Family::Av1 => clean_if(av1::key(data)),
        Family::Mpeg4 => clean_if(mpeg4_intra(data)),
        Family::Intra => Start::Clean,
    }
}

/// Whether no other frame depends on the sample `data`.
#[must_use]
pub fn disposable(family: Family, data: &[u8]) -> bool {
    match family {
        Family::H264 { length_size } => h264::disposable(data, length_size),
        Family::Hevc {
            length_size,
            layers,
        } => hevc::disposable(data, length_size, layers),
        Family::Vp9 | Family::Av1 | Family::Mpeg4 | Family::Intra => false,
    }
}

/// Tells the decoder of the cut before `data`, a sample that starts with [`Start::Cut`].
pub fn cut(family: Family, data: &mut [u8]) {
    if let Family::Hevc { length_size, .. } = family {
        hevc::break_link(data, length_size);
    }
}

const fn clean_if(clean: bool) -> Start {
    if clean {
        Start::Clean
    } else {
        Start::Dependent
    }
}

/// Whether a VP9 frame is a keyframe: section 6.2 of the bitstream specification.
fn vp9_key(data: &[u8]) -> bool {
    let mut bits = bits::Bits::new(data);
    let mut read = || -> Option<bool> {
        let marker = bits.take(2)?;
        let profile = bits.take(1)? + 2 * bits.take(1)?;
        if profile == 3 {
            bits.take(1)?;
        }
        let existing = bits.take(1)? == 1;
        let key = bits.take(1)? == 0;
        Some(marker == 2 && !existing && key)
    };
    read().unwrap_or(false)
}

/// Whether an MPEG-4 part 2 sample begins with an I-VOP: section 6.2.5 of ISO/IEC 14496-2.
fn mpeg4_intra(data: &[u8]) -> bool {
    const VOP: [u8; 4] = [0, 0, 1, 0xB6];
    let vop = data.windows(5).find(|window| window.starts_with(&VOP));
    vop.is_some_and(|window| window[4] >> 6 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp9_keyframes_are_told_apart() {
        assert_eq!(start(Family::Vp9, &[0x82, 0x49]), Start::Clean);
        assert_eq!(start(Family::Vp9, &[0x86]), Start::Dependent);
        assert_eq!(start(Family::Vp9, &[]), Start::Dependent);
    }

    #[test]
    fn only_an_i_vop_starts_mpeg4() {
        let sample = |coding: u8| [0, 0, 1, 0xB0, 1, 0, 0, 1, 0xB6, coding << 6];
        assert_eq!(start(Family::Mpeg4, &sample(0)), Start::Clean);
        assert_eq!(start(Family::Mpeg4, &sample(1)), Start::Dependent);
        assert_eq!(start(Family::Mpeg4, &sample(2)), Start::Dependent);
    }
}
