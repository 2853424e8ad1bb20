//! H.264: ISO/IEC 14496-10.

use super::bits::Bits;
use super::nal::{unescaped, units};
use super::random_access::RandomAccess;

/// `nal_unit_type` of table 7-1.
const SLICES: std::ops::RangeInclusive<u8> = 1..=5;
const IDR: u8 = 5;
const SEI: u8 = 6;

/// `payloadType` of the recovery point message, section D.1.8.
const RECOVERY_POINT: u32 = 6;

/// Bytes of supplemental information looked at: the recovery point comes early.
const SEI_LIMIT: usize = 4096;

pub(super) fn random_access(data: &[u8], length_size: u8) -> RandomAccess {
    let mut recovers = false;
    for unit in units(data, length_size) {
        let Some(&[header, ref payload @ ..]) = unit else {
            return RandomAccess::None;
        };
        match header & 0x1F {
            IDR => return RandomAccess::Idr,
            SEI => recovers |= recovery(&unescaped(payload, SEI_LIMIT)) == Some(0),
            kind if SLICES.contains(&kind) => break,
            _ => {}
        }
    }
    if recovers {
        RandomAccess::RecoveryPoint
    } else {
        RandomAccess::None
    }
}

/// Whether `nal_ref_idc` is 0 in every slice: no other frame refers to it.
pub(super) fn is_disposable(data: &[u8], length_size: u8) -> bool {
    let mut slices = 0;
    for unit in units(data, length_size) {
        let Some(&[header, ..]) = unit else {
            return false;
        };
        match header & 0x1F {
            kind if SLICES.contains(&kind) && header & 0x60 == 0 => slices += 1,
            kind if SLICES.contains(&kind) => return false,
            // Parameter sets, which later frames may need.
            7 | 8 | 13 | 15 => return false,
            _ => {}
        }
    }
    slices > 0
}

/// `recovery_frame_cnt` of the message, if it is among those of an SEI unit.
fn recovery(mut sei: &[u8]) -> Option<u32> {
    loop {
        let kind = number(&mut sei)?;
        let len = number(&mut sei)? as usize;
        if kind == RECOVERY_POINT {
            return Bits::new(sei).unsigned();
        }
        sei = sei.get(len..)?;
    }
}

/// A number written as bytes of 255 and a last one: section 7.3.2.3.1.
fn number(sei: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    loop {
        let (&byte, rest) = sei.split_first()?;
        *sei = rest;
        value = value.checked_add(byte.into())?;
        if byte != 255 {
            return Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idr_is_clean() {
        assert_eq!(
            random_access(&[2, 6, 0x80, 2, 0x65, 0], 1),
            RandomAccess::Idr
        );
    }

    #[test]
    fn a_recovery_point_counts_only_when_it_is_at_once() {
        let sample = |count: u8| [5, 6, 6, 1, count, 0x80, 2, 0x61, 0];
        assert_eq!(
            random_access(&sample(0b1010_0000), 1),
            RandomAccess::RecoveryPoint
        );
        assert_eq!(random_access(&sample(0b0101_0000), 1), RandomAccess::None);
        assert_eq!(random_access(&[2, 0x61, 0], 1), RandomAccess::None);
    }

    #[test]
    fn frames_that_are_referred_to_are_kept() {
        assert!(is_disposable(&[2, 0x01, 0, 1, 0x01], 1));
        assert!(!is_disposable(&[2, 0x01, 0, 1, 0x21], 1));
        assert!(!is_disposable(&[2, 0x67, 0, 1, 0x01], 1));
        assert!(!is_disposable(&[9, 0x01], 1));
        assert!(!is_disposable(&[], 1));
    }
}
