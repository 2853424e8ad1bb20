//! Finding the index among the boxes at the top of a file, in as few reads as can be.

use std::ops::Range;

use super::boxes::Header;
use super::{MAX_BYTES, Unfit};

/// What is known of where the index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The `moov` box is these bytes of the file.
    Found(Range<u64>),
    /// A box begins here, whose header has not been seen.
    Look(u64),
}

/// Walks the boxes in `data`, which are the file's bytes from `at` on, one of its box borders.
///
/// # Errors
/// When the file, of `file_len` bytes, cannot be one with an index.
pub fn locate(data: &[u8], at: u64, file_len: u64) -> Result<Step, Unfit> {
    let mut offset = 0_usize;
    loop {
        let here = at.saturating_add(offset as u64);
        if here >= file_len {
            return Err(Unfit::NoIndex);
        }
        let rest = data.get(offset..).unwrap_or_default();
        let Some(header) = Header::read(rest) else {
            let all = rest.len() >= 16 || here + rest.len() as u64 >= file_len;
            return match here {
                _ if !all => Ok(Step::Look(here)),
                0 => Err(Unfit::NotMp4),
                _ => Err(Unfit::NoIndex),
            };
        };
        if here == 0 && !BEGINNINGS.contains(&&header.kind) {
            return Err(Unfit::NotMp4);
        }
        let end = match header.len {
            Some(len) => here.checked_add(len).ok_or(Unfit::NoIndex)?,
            None => file_len,
        };
        match &header.kind {
            b"moov" if end > file_len => return Err(Unfit::OutOfRange),
            b"moov" if end - here > MAX_BYTES => return Err(Unfit::TooLarge),
            b"moov" => return Ok(Step::Found(here..end)),
            b"moof" | b"styp" | b"sidx" => return Err(Unfit::Fragmented),
            _ => {}
        }
        match usize::try_from(end - at) {
            Ok(next) if next < data.len() => offset = next,
            _ if end >= file_len => return Err(Unfit::NoIndex),
            _ => return Ok(Step::Look(end)),
        }
    }
}

/// What an mp4 or `QuickTime` file may begin with.
const BEGINNINGS: [&[u8; 4]; 8] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid",
];

#[cfg(test)]
mod tests {
    use super::*;

    const FTYP: &[u8] = b"\0\0\0\x08ftyp";

    #[test]
    fn a_leading_index_is_found_at_once() {
        let data = [FTYP, b"\0\0\0\x64moov"].concat();
        assert_eq!(locate(&data, 0, 500), Ok(Step::Found(8..108)));
    }

    #[test]
    fn the_size_of_mdat_says_where_to_look() {
        let data = [FTYP, b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0"].concat();
        let end = 8 + (1 << 32);
        assert_eq!(locate(&data, 0, end + 100), Ok(Step::Look(end)));
        assert_eq!(
            locate(b"\0\0\0\x64moov", end, end + 100),
            Ok(Step::Found(end..end + 100))
        );
    }

    #[test]
    fn a_header_cut_by_the_read_is_looked_at_again() {
        let data = [FTYP, b"\0\0\0\x64mo"].concat();
        assert_eq!(locate(&data, 0, 500), Ok(Step::Look(8)));
    }

    #[test]
    fn what_is_no_mp4_says_so() {
        assert_eq!(
            locate(b"RIFF\0\0\0\0AVI LIST    ", 0, 500),
            Err(Unfit::NotMp4)
        );
        assert_eq!(locate(b"ab", 0, 2), Err(Unfit::NotMp4));
    }

    #[test]
    fn a_missing_or_cut_index_says_so() {
        let data = [FTYP, b"\0\0\0\x64mdat"].concat();
        assert_eq!(locate(&data, 0, 108), Err(Unfit::NoIndex));
        let data = [FTYP, b"\0\0\0\x64moov"].concat();
        assert_eq!(locate(&data, 0, 107), Err(Unfit::OutOfRange));
    }
}
