//! Boxes inside a box: what all of ISO/IEC 14496-12 is made of.

use bytes::Bytes;

use crate::container::index_unusable::IndexUnusable;

/// A box: four characters of kind, and a payload.
#[derive(Clone, Debug)]
pub(super) struct Mp4Box {
    pub(super) kind: [u8; 4],
    /// With its header, as it stands in the file.
    pub(super) raw: Bytes,
    header: usize,
}

impl Mp4Box {
    pub(super) fn payload(&self) -> Bytes {
        self.raw.slice(self.header..)
    }

    /// The payload after the version and flags of a full box, with the version.
    pub(super) fn full(&self) -> Result<(u8, Bytes), IndexUnusable> {
        let payload = self.payload();
        match payload.first() {
            Some(&version) if payload.len() >= 4 => Ok((version, payload.slice(4..))),
            _ => Err(self.broken()),
        }
    }

    pub(super) fn children(&self) -> Result<Vec<Self>, IndexUnusable> {
        boxes(&self.payload())
    }

    /// The only child of `kind`, where there is one.
    pub(super) fn child(&self, kind: [u8; 4]) -> Result<Option<Self>, IndexUnusable> {
        only(self.children()?, kind)
    }

    /// The only child of `kind`, which must be there.
    pub(super) fn need(&self, kind: [u8; 4]) -> Result<Self, IndexUnusable> {
        self.child(kind)?
            .ok_or_else(|| IndexUnusable::inconsistent(name(kind)))
    }

    pub(super) fn broken(&self) -> IndexUnusable {
        IndexUnusable::inconsistent(name(self.kind))
    }
}

/// The only box of `kind` among `boxes`: two of a kind would leave open which one counts.
pub(super) fn only(boxes: Vec<Mp4Box>, kind: [u8; 4]) -> Result<Option<Mp4Box>, IndexUnusable> {
    let mut found = boxes.into_iter().filter(|child| child.kind == kind);
    let first = found.next();
    if found.next().is_some() {
        return Err(IndexUnusable::inconsistent(name(kind)));
    }
    Ok(first)
}

/// The most boxes inside one: a real file has some dozens.
const MAX_BOXES: usize = 1024;

/// The boxes that `data` consists of.
pub(super) fn boxes(data: &Bytes) -> Result<Vec<Mp4Box>, IndexUnusable> {
    let mut found = Vec::new();
    let mut rest = data.clone();
    // QuickTime ends some lists with four zero bytes: what is too short for a box is padding.
    while rest.len() >= 8 {
        if found.len() == MAX_BOXES {
            return Err(IndexUnusable::inconsistent("number of boxes"));
        }
        found.push(take_box(&mut rest)?);
    }
    Ok(found)
}

/// The boxes that `data` consists of, up to the first that is not whole.
pub(super) fn whole_boxes(mut data: Bytes) -> impl Iterator<Item = Mp4Box> {
    std::iter::from_fn(move || take_box(&mut data).ok())
}

/// Takes the box at the front of `data`.
fn take_box(data: &mut Bytes) -> Result<Mp4Box, IndexUnusable> {
    let header = Header::parse(data).ok_or_else(|| IndexUnusable::inconsistent("box header"))?;
    let len = match header.len {
        Some(len) => usize::try_from(len).unwrap_or(usize::MAX),
        None => data.len(),
    };
    if len > data.len() {
        return Err(IndexUnusable::inconsistent(name(header.kind)));
    }
    Ok(Mp4Box {
        kind: header.kind,
        raw: data.split_to(len),
        header: header.size,
    })
}

/// A box's first 8 or 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: [u8; 4],
    /// Bytes of the header itself.
    pub(super) size: usize,
    /// Bytes of the box with its header; `None` when it reaches to the end.
    pub(super) len: Option<u64>,
}

impl Header {
    /// `None` when there are too few bytes, or a length that is less than the header's.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let kind = data.get(4..8)?.try_into().ok()?;
        let (size, len) = match u32_at(data, 0)? {
            0 => (8, None),
            1 => (16, Some(u64_at(data, 8)?)),
            len => (8, Some(u64::from(len))),
        };
        let fits = len.is_none_or(|len| len >= size as u64);
        fits.then_some(Self { kind, size, len })
    }
}

pub(super) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

pub(super) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    let bytes = data.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// A kind as a person reads it.
pub(super) fn name(kind: [u8; 4]) -> String {
    kind.escape_ascii().to_string()
}

/// The file type box at the start of `head`, if it is there and whole.
pub(super) fn ftyp(head: &Bytes) -> Bytes {
    let len = head.first_chunk::<4>().map(|len| u32::from_be_bytes(*len));
    let len = len.and_then(|len| usize::try_from(len).ok());
    let first = match len {
        Some(len) if len <= head.len() => boxes(&head.slice(..len)),
        _ => return Bytes::new(),
    };
    let first = first.ok().and_then(|boxes| boxes.into_iter().next());
    match first {
        Some(found) if &found.kind == b"ftyp" => found.raw,
        _ => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_end_where_they_say() {
        let data = Bytes::from_static(b"\0\0\0\x0afreeab\0\0\0\x08skip\0\0\0\0");
        let found = boxes(&data).expect("two boxes and padding");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].payload(), "ab");
        assert_eq!(&found[1].kind, b"skip");
    }

    #[test]
    fn a_box_longer_than_its_parent_is_refused() {
        let data = Bytes::from_static(b"\0\0\0\x0bfreeab");
        assert_eq!(
            boxes(&data).expect_err("eleven bytes in ten"),
            IndexUnusable::inconsistent("free")
        );
    }

    #[test]
    fn a_length_below_the_header_is_no_header() {
        assert_eq!(Header::parse(b"\0\0\0\x07free"), None);
        assert_eq!(Header::parse(b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f"), None);
    }
}
