//! HEVC: ISO/IEC 23008-2.

use super::nal::{units, units_mut};
use super::random_access::RandomAccess;

/// `nal_unit_type` of table 7-1.
const SLICES: std::ops::RangeInclusive<u8> = 0..=31;
const BLA: std::ops::RangeInclusive<u8> = 16..=18;
const IDR: std::ops::RangeInclusive<u8> = 19..=20;
const CRA: u8 = 21;
const PARAMETER_SETS: std::ops::RangeInclusive<u8> = 32..=34;

/// The header of a NAL unit: section 7.3.1.2.
struct Header {
    kind: u8,
    layer: u8,
    temporal: u8,
}

impl Header {
    fn read(unit: &[u8]) -> Option<Self> {
        let &[high, low, ..] = unit else { return None };
        Some(Self {
            kind: (high >> 1) & 0x3F,
            layer: ((high & 1) << 5) | (low >> 3),
            temporal: (low & 7).checked_sub(1)?,
        })
    }
}

/// A CRA picture's leading frames refer to what comes before it: a decoder skips them once the
/// picture is said to be a broken link.
pub(super) fn random_access(data: &[u8], length_size: u8) -> RandomAccess {
    for unit in units(data, length_size) {
        let Some(header) = unit.and_then(Header::read) else {
            return RandomAccess::None;
        };
        match header.kind {
            kind if IDR.contains(&kind) || BLA.contains(&kind) => return RandomAccess::Idr,
            CRA => return RandomAccess::Cra,
            kind if SLICES.contains(&kind) => return RandomAccess::None,
            _ => {}
        }
    }
    RandomAccess::None
}

/// Whether every slice is of a sub-layer non-reference picture (even types below 16) in the
/// highest of the `layers` temporal layers. In a lower one, higher ones could refer to it.
pub(super) fn is_disposable(data: &[u8], length_size: u8, layers: u8) -> bool {
    let mut slices = 0;
    for unit in units(data, length_size) {
        let Some(header) = unit.and_then(Header::read) else {
            return false;
        };
        if PARAMETER_SETS.contains(&header.kind) || header.layer > 0 {
            return false;
        }
        if SLICES.contains(&header.kind) {
            let unreferred = header.kind < 16 && header.kind % 2 == 0;
            if !unreferred || layers == 0 || header.temporal + 1 < layers {
                return false;
            }
            slices += 1;
        }
    }
    slices > 0
}

/// Says of a CRA picture that the link to what comes before it is broken (BLA). The two differ in
/// nothing else; and unlike the end of a sequence, a broken link lets the decoder show what it
/// still holds.
pub(super) fn mark_broken_link(data: &mut [u8], length_size: u8) {
    for unit in units_mut(data, length_size) {
        if let Some(first) = unit.first_mut()
            && (*first >> 1) & 0x3F == CRA
        {
            *first = (*first & 0x81) | (BLA.start() << 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: u8, temporal: u8) -> [u8; 4] {
        [3, kind << 1, temporal + 1, 0x80]
    }

    #[test]
    fn starts_are_told_by_their_type() {
        assert_eq!(random_access(&sample(19, 0), 1), RandomAccess::Idr);
        assert_eq!(random_access(&sample(16, 0), 1), RandomAccess::Idr);
        assert_eq!(random_access(&sample(21, 0), 1), RandomAccess::Cra);
        assert_eq!(random_access(&sample(1, 0), 1), RandomAccess::None);
        assert_eq!(random_access(&[3, 2], 1), RandomAccess::None);
    }

    #[test]
    fn only_the_highest_layer_is_disposable() {
        assert!(is_disposable(&sample(0, 0), 1, 1));
        assert!(is_disposable(&sample(8, 1), 1, 2));
        assert!(!is_disposable(&sample(0, 0), 1, 2));
        assert!(!is_disposable(&sample(0, 0), 1, 0));
        assert!(!is_disposable(&sample(1, 0), 1, 1));
        assert!(!is_disposable(&sample(20, 0), 1, 1));
    }

    #[test]
    fn a_broken_link_is_clean() {
        let mut data = [sample(34, 0), sample(21, 0), sample(21, 0)].concat();
        mark_broken_link(&mut data, 1);
        assert_eq!(data, [sample(34, 0), sample(16, 0), sample(16, 0)].concat());
        assert_eq!(random_access(&data, 1), RandomAccess::Idr);
    }
}
