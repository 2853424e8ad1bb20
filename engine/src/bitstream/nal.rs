//! NAL units behind their lengths, as mp4 stores H.264 and HEVC (ISO/IEC 14496-15).

/// The NAL units of a sample; `None` where a length does not fit.
pub(super) fn units(data: &[u8], length_size: u8) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let unit = split(rest, usize::from(length_size.clamp(1, 4)));
        rest = unit.map_or(&[], |(_, rest)| rest);
        Some(unit.map(|(unit, _)| unit))
    })
}

/// The NAL units of a sample, to be changed in place; ends where a length does not fit.
pub(super) fn units_mut(data: &mut [u8], length_size: u8) -> impl Iterator<Item = &mut [u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let length_size = usize::from(length_size.clamp(1, 4));
        let (unit, _) = split(rest, length_size)?;
        let length = unit.len();
        let (_, units) = std::mem::take(&mut rest).split_at_mut(length_size);
        let (unit, after) = units.split_at_mut(length);
        rest = after;
        Some(unit)
    })
}

fn split(data: &[u8], length_size: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_at_checked(length_size)?;
    let length = length
        .iter()
        .fold(0_usize, |length, &byte| (length << 8) | usize::from(byte));
    rest.split_at_checked(length)
}

/// The payload without the bytes that keep it from looking like a start code, at most `limit`.
pub(super) fn unescaped(data: &[u8], limit: usize) -> Vec<u8> {
    let mut clean = Vec::with_capacity(limit.min(data.len()));
    let mut zeros = 0;
    for &byte in data {
        if clean.len() == limit {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        clean.push(byte);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_split_by_their_lengths() {
        let found: Vec<_> = units(&[0, 2, 7, 8, 0, 1, 9], 2).collect();
        assert_eq!(found, [Some(&[7, 8][..]), Some(&[9])]);
    }

    #[test]
    fn a_length_past_the_end_is_told() {
        let found: Vec<_> = units(&[0, 1, 7, 0, 2, 9], 2).collect();
        assert_eq!(found, [Some(&[7][..]), None]);
    }

    #[test]
    fn escapes_are_taken_out() {
        assert_eq!(unescaped(&[0, 0, 3, 1, 0, 0, 3], 16), [0, 0, 1, 0, 0]);
    }
}
