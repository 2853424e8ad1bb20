//! Outcome the index among the boxes at the top of a file, in as few reads as can be.

use std::ops::Range;

use super::boxes::Header;
use super::index::MAX_BYTES;
use crate::container::index_unusable::IndexUnusable;

/// What is known of where the index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MoovSearch {
    /// The `moov` box is these bytes of the file.
    Found(Range<u64>),
    /// A box begins here, whose header has not been seen.
    LookAt(u64),
}

/// Walks the boxes in `data`, which are the file's bytes from `at` on, one of its box borders.
///
/// # Errors
/// When the file, of `file_len` bytes, cannot be one with an index.
pub(crate) fn locate_moov(
    data: &[u8],
    at: u64,
    file_len: u64,
) -> Result<MoovSearch, IndexUnusable> {
    let mut offset = 0_usize;
    loop {
        let here = at.saturating_add(offset as u64);
        if here >= file_len {
            return Err(IndexUnusable::NoIndex);
        }
        let rest = data.get(offset..).unwrap_or_default();
        let Some(header) = Header::parse(rest) else {
            let all = rest.len() >= 16 || here + rest.len() as u64 >= file_len;
            return match here {
                _ if !all => Ok(MoovSearch::LookAt(here)),
                0 => Err(IndexUnusable::NotMp4),
                _ => Err(IndexUnusable::NoIndex),
            };
        };
        if here == 0 && !BEGINNINGS.contains(&&header.kind) {
            return Err(IndexUnusable::NotMp4);
        }
        let end = match header.len {
            Some(len) => here.checked_add(len).ok_or(IndexUnusable::NoIndex)?,
            None => file_len,
        };
        match &header.kind {
            b"moov" if end > file_len => return Err(IndexUnusable::OutOfRange),
            b"moov" if end - here > MAX_BYTES => return Err(IndexUnusable::TooLarge),
            b"moov" => return Ok(MoovSearch::Found(here..end)),
            b"moof" | b"styp" | b"sidx" => return Err(IndexUnusable::Fragmented),
            _ => {}
        }
        match usize::try_from(end - at) {
            Ok(next) if next < data.len() => offset = next,
            _ if end >= file_len => return Err(IndexUnusable::NoIndex),
            _ => return Ok(MoovSearch::LookAt(end)),
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
        assert_eq!(locate_moov(&data, 0, 500), Ok(MoovSearch::Found(8..108)));
    }

    #[test]
    fn the_size_of_mdat_says_where_to_look() {
        let data = [FTYP, b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0"].concat();
        let end = 8 + (1 << 32);
        assert_eq!(
            locate_moov(&data, 0, end + 100),
            Ok(MoovSearch::LookAt(end))
        );
        assert_eq!(
            locate_moov(b"\0\0\0\x64moov", end, end + 100),
            Ok(MoovSearch::Found(end..end + 100))
        );
    }

    #[test]
    fn a_header_cut_by_the_read_is_looked_at_again() {
        let data = [FTYP, b"\0\0\0\x64mo"].concat();
        assert_eq!(locate_moov(&data, 0, 500), Ok(MoovSearch::LookAt(8)));
    }

    #[test]
    fn what_is_no_mp4_says_so() {
        assert_eq!(
            locate_moov(b"RIFF\0\0\0\0AVI LIST    ", 0, 500),
            Err(IndexUnusable::NotMp4)
        );
        assert_eq!(locate_moov(b"ab", 0, 2), Err(IndexUnusable::NotMp4));
    }

    #[test]
    fn a_missing_or_cut_index_says_so() {
        let data = [FTYP, b"\0\0\0\x64mdat"].concat();
        assert_eq!(locate_moov(&data, 0, 108), Err(IndexUnusable::NoIndex));
        let data = [FTYP, b"\0\0\0\x64moov"].concat();
        assert_eq!(locate_moov(&data, 0, 107), Err(IndexUnusable::OutOfRange));
    }
}
