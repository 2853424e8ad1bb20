//! AV1: section 5 of the bitstream specification.

use super::bits::Bits;

/// `obu_type` of a frame's header, and of a header with the frame's data.
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;

/// Whether the first frame of a temporal unit is a keyframe.
pub(super) fn is_keyframe(mut data: &[u8]) -> bool {
    while let Some((kind, payload, rest)) = obu(data) {
        if kind == FRAME_HEADER || kind == FRAME {
            let mut bits = Bits::new(payload);
            let existing = bits.take(1);
            let frame_type = bits.take(2);
            return existing == Some(0) && frame_type == Some(0);
        }
        data = rest;
    }
    false
}

/// The type and the payload of the first unit, and what comes after it.
fn obu(data: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&header, mut rest) = data.split_first()?;
    if header & 4 != 0 {
        rest = rest.get(1..)?;
    }
    if header & 2 == 0 {
        return Some(((header >> 3) & 15, rest, &[]));
    }
    let (size, rest) = leb128(rest)?;
    let (payload, rest) = rest.split_at_checked(size)?;
    Some(((header >> 3) & 15, payload, rest))
}

/// Seven bits a byte, the least significant first: section 4.10.5.
fn leb128(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (at, &byte) in data.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7F) << (at * 7);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &data[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_counts() {
        let delimiter = [0x12, 0];
        assert!(is_keyframe(&[&delimiter[..], &[0x32, 1, 0x10]].concat()));
        assert!(!is_keyframe(&[&delimiter[..], &[0x32, 1, 0x30]].concat()));
        assert!(!is_keyframe(&[&delimiter[..], &[0x32, 1, 0x80]].concat()));
        assert!(!is_keyframe(&delimiter));
        assert!(!is_keyframe(&[0x32, 9, 0x10]));
    }
}
