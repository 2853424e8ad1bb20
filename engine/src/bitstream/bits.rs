//! Bits from the most significant on, and the exponential Golomb codes of H.264 and HEVC.

pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// The next `count` bits, at most 32.
    pub(super) fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = *self.data.get(self.at / 8)?;
            value = (value << 1) | u32::from((byte >> (7 - self.at % 8)) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// `ue(v)`: section 9.1 of ISO/IEC 14496-10.
    pub(super) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
        }
        if zeros > 31 {
            return None;
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golomb_codes_are_read() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0000]);
        let read: Vec<_> = (0..4).map(|_| bits.unsigned()).collect();
        assert_eq!(read, [Some(0), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn the_end_is_none() {
        assert_eq!(Bits::new(&[0]).unsigned(), None);
        assert_eq!(Bits::new(&[0; 9]).unsigned(), None);
    }
}
