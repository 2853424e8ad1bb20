//! What can be told of a coded frame from its first bytes: whether decoding can start there, and
//! whether anything depends on it.

mod av1;
mod bits;
mod codec_family;
mod h264;
mod hevc;
mod nal;
mod random_access;

pub use codec_family::CodecFamily;
pub(crate) use random_access::RandomAccess;

/// How decoding can start at the sample `data`.
#[must_use]
pub(crate) fn random_access(family: CodecFamily, data: &[u8]) -> RandomAccess {
    match family {
        CodecFamily::H264 { length_size } => h264::random_access(data, length_size),
        CodecFamily::Hevc { length_size, .. } => hevc::random_access(data, length_size),
        CodecFamily::Vp8 => idr_if(is_vp8_keyframe(data)),
        CodecFamily::Vp9 => idr_if(is_vp9_keyframe(data)),
        CodecFamily::Av1 => idr_if(av1::is_keyframe(data)),
        CodecFamily::Mpeg4 => idr_if(is_mpeg4_intra(data)),
        CodecFamily::Intra => RandomAccess::Idr,
    }
}

/// Whether no other frame depends on the sample `data`.
#[must_use]
pub(crate) fn is_disposable(family: CodecFamily, data: &[u8]) -> bool {
    match family {
        CodecFamily::H264 { length_size } => h264::is_disposable(data, length_size),
        CodecFamily::Hevc {
            length_size,
            layers,
        } => hevc::is_disposable(data, length_size, layers),
        CodecFamily::Vp8
        | CodecFamily::Vp9
        | CodecFamily::Av1
        | CodecFamily::Mpeg4
        | CodecFamily::Intra => false,
    }
}

/// Tells the decoder of the broken link before `data`, a sample that starts with [`RandomAccess::Cra`].
pub(crate) fn mark_broken_link(family: CodecFamily, data: &mut [u8]) {
    if let CodecFamily::Hevc { length_size, .. } = family {
        hevc::mark_broken_link(data, length_size);
    }
}

const fn idr_if(is_keyframe: bool) -> RandomAccess {
    if is_keyframe {
        RandomAccess::Idr
    } else {
        RandomAccess::None
    }
}

/// Whether a VP8 frame is a keyframe: section 9.1 of RFC 6386.
fn is_vp8_keyframe(data: &[u8]) -> bool {
    data.first().is_some_and(|first| first & 1 == 0)
}

/// Whether a VP8 frame that begins with this byte is shown, and not only referred to: the same section.
pub(crate) const fn is_vp8_shown(first: u8) -> bool {
    first & 0x10 != 0
}

/// Whether a VP9 frame is a keyframe: section 6.2 of the bitstream specification.
fn is_vp9_keyframe(data: &[u8]) -> bool {
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
fn is_mpeg4_intra(data: &[u8]) -> bool {
    const VOP: [u8; 4] = [0, 0, 1, 0xB6];
    let vop = data.windows(5).find(|window| window.starts_with(&VOP));
    vop.is_some_and(|window| window[4] >> 6 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp8_frames_say_what_they_are() {
        let access = |first: u8| random_access(CodecFamily::Vp8, &[first, 0, 0]);
        assert_eq!(access(0x10), RandomAccess::Idr);
        assert_eq!(access(0x11), RandomAccess::None);
        assert!(is_vp8_shown(0x31) && !is_vp8_shown(0x21));
    }

    #[test]
    fn vp9_keyframes_are_told_apart() {
        assert_eq!(
            random_access(CodecFamily::Vp9, &[0x82, 0x49]),
            RandomAccess::Idr
        );
        assert_eq!(random_access(CodecFamily::Vp9, &[0x86]), RandomAccess::None);
        assert_eq!(random_access(CodecFamily::Vp9, &[]), RandomAccess::None);
    }

    #[test]
    fn only_an_i_vop_starts_mpeg4() {
        let sample = |coding: u8| [0, 0, 1, 0xB0, 1, 0, 0, 1, 0xB6, coding << 6];
        assert_eq!(
            random_access(CodecFamily::Mpeg4, &sample(0)),
            RandomAccess::Idr
        );
        assert_eq!(
            random_access(CodecFamily::Mpeg4, &sample(1)),
            RandomAccess::None
        );
        assert_eq!(
            random_access(CodecFamily::Mpeg4, &sample(2)),
            RandomAccess::None
        );
    }
}
