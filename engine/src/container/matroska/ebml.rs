//! Elements of EBML (RFC 8794), of which Matroska is made.

use super::ids::{EBML, SEGMENT};

/// What stands in front of an element's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The element's identity, with its length marker.
    pub(super) id: u32,
    /// Bytes of the data; `None` for the unknown size of a live recording.
    pub(super) size: Option<u64>,
    /// Bytes of the header itself.
    pub(super) length: usize,
}

/// Reads the header at the front of `bytes`; `None` if it is cut off or is none.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let id_length = bytes.first()?.leading_zeros() as usize + 1;
    let id = bytes.get(..id_length).filter(|_| id_length <= 4)?;
    let rest = bytes.get(id_length..)?;
    let size_length = rest.first()?.leading_zeros() as usize + 1;
    let size = rest.get(..size_length).filter(|_| size_length <= 8)?;
    let mask = (1 << (7 * size_length)) - 1;
    let size = number(size)? & mask;
    Some(Header {
        id: u32::try_from(number(id)?).ok()?,
        size: (size != mask).then_some(size),
        length: id_length + size_length,
    })
}

/// The elements that `bytes` consist of, as far as they are whole.
pub(super) fn elements(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let whole = elements_with_cut_end(bytes).take_while(|&(_, _, whole)| whole);
    whole.map(|(id, data, _)| (id, data))
}

/// The elements that `bytes` consist of, and whether each is whole: the last one may be cut off, or
/// have the unknown size of a live recording.
pub(super) fn elements_with_cut_end(mut bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8], bool)> {
    std::iter::from_fn(move || {
        let header = header(bytes)?;
        let data = bytes.get(header.length..)?;
        let size = header.size.and_then(|size| usize::try_from(size).ok());
        let (data, rest, whole) = match size.and_then(|size| data.split_at_checked(size)) {
            Some((data, rest)) => (data, rest, true),
            None => (data, &[][..], false),
        };
        bytes = rest;
        Some((header.id, data, whole))
    })
}

/// The data of the first element called `id` in `bytes`.
pub(super) fn child(bytes: &[u8], id: u32) -> Option<&[u8]> {
    elements(bytes).find_map(|(found, data)| (found == id).then_some(data))
}

/// Where the segment's data begin.
pub(super) fn segment_start(head: &[u8]) -> Option<usize> {
    let first = header(head).filter(|first| first.id == EBML)?;
    let at = first
        .length
        .checked_add(usize::try_from(first.size?).ok()?)?;
    let second = header(head.get(at..)?).filter(|second| second.id == SEGMENT)?;
    Some(at + second.length)
}

/// An unsigned number of up to 8 bytes.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
}

/// A floating-point number of 4 or 8 bytes.
pub(super) fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => Some(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        8 => Some(f64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An element whose data are shorter than 2¹⁴ bytes.
    pub(in super::super) fn element(id: u32, data: &[u8]) -> Vec<u8> {
        let id: Vec<u8> = id
            .to_be_bytes()
            .into_iter()
            .skip_while(|&b| b == 0)
            .collect();
        let size = u16::try_from(data.len()).expect("short") | 0x4000;
        [&id, &size.to_be_bytes()[..], data].concat()
    }

    #[test]
    fn reads_headers_of_every_length() {
        let read = |bytes: &[u8]| header(bytes).map(|h| (h.id, h.size, h.length));
        assert_eq!(read(&[0xd7, 0x81, 1]), Some((0xd7, Some(1), 2)));
        assert_eq!(
            read(&[0x1a, 0x45, 0xdf, 0xa3, 0x40, 0x64]),
            Some((0x1a45_dfa3, Some(100), 6))
        );
        assert_eq!(read(&[0xae, 0xff]), Some((0xae, None, 2)));
        let eight = [0xae, 1, 0, 0, 0, 0, 0, 1, 0];
        assert_eq!(read(&eight), Some((0xae, Some(256), 9)));
    }

    #[test]
    fn refuses_what_is_none() {
        for bytes in [
            &[][..],
            &[0],
            &[0x08, 1, 1, 1, 1],
            &[0xae],
            &[0xae, 0],
            &[0xae, 0x40],
        ] {
            assert_eq!(header(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn walks_whole_elements_only() {
        let bytes = [0xd7, 0x81, 5, 0xae, 0x80, 0x83, 0x82, 1];
        let found: Vec<_> = elements(&bytes).collect();
        assert_eq!(found, [(0xd7, &[5][..]), (0xae, &[])]);
        assert_eq!(number(&[1; 9]), None);
    }
}
