//! ISO base media (ISO/IEC 14496-12): mp4, mov, 3gp.
//!
//! Tolerant, unlike the index: what is not understood here is left to ffmpeg.

use bytes::Bytes;

use super::{Structure, missing};
use crate::source::{Source, SourceError};

/// Boxes at the top that are looked at; a fragmented file has thousands.
const MOST_BOXES: usize = 32;

/// Bytes of `moov` that are looked at.
const MOST_MOOV: u64 = 32 << 20;

/// Walks the boxes at the top of the file, and down into `moov`.
pub(super) async fn inspect(source: &dyn Source, head: &Bytes) -> Result<Structure, SourceError> {
    let length = source.len();
    let mut structure = Structure::default();
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        let bytes = match usize::try_from(at).ok().filter(|&at| at + 16 <= head.len()) {
            Some(at) => head.slice(at..at + 16),
            None => source.read(at..length.min(at.saturating_add(16))).await?,
        };
        let Some((kind, header, size)) = header(&bytes) else {
            break;
        };
        let Some(end) = size.map_or(Some(length), |size| at.checked_add(size)) else {
            break;
        };
        if matches!(&kind, b"mdat" | b"moov" | b"moof" | b"mfra") {
            structure.truncated = missing(&name(kind), end, length);
        }
        if &kind == b"moov" {
            let body = at + header..end.min(length).min(at.saturating_add(MOST_MOOV));
            structure.encrypted = !body.is_empty() && encrypted(&source.read(body).await?);
        }
        at = end;
        if at >= length {
            break;
        }
    }
    Ok(structure)
}

/// Kind, length of the header, and size of all; `None` for a size that reaches to the end.
fn header(bytes: &[u8]) -> Option<([u8; 4], u64, Option<u64>)> {
    let kind = bytes.get(4..8)?.try_into().ok()?;
    match u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) {
        0 => Some((kind, 8, None)),
        1 => {
            let size = u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?);
            (size >= 16).then_some((kind, 16, Some(size)))
        }
        size => (size >= 8).then_some((kind, 8, Some(size.into()))),
    }
}

fn name(kind: [u8; 4]) -> String {
    format!("the box {}", kind.escape_ascii())
}

/// The boxes in `bytes`, as far as they are whole.
fn children(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (kind, header, size) = header(bytes)?;
        let size = size.map_or(Some(bytes.len()), |size| usize::try_from(size).ok())?;
        let body = bytes.get(usize::try_from(header).ok()?..size)?;
        bytes = &bytes[size..];
        Some((kind, body))
    })
}

/// Whether a track of `moov` has a protected sample entry for video (`encv`, 8.12).
fn encrypted(moov: &[u8]) -> bool {
    let mut level = vec![moov];
    for step in [b"trak", b"mdia", b"minf", b"stbl", b"stsd"] {
        level = level
            .into_iter()
            .flat_map(children)
            .filter_map(|(kind, body)| (&kind == step).then_some(body))
            .collect();
    }
    // Version, flags and count stand before the entries.
    level
        .into_iter()
        .filter_map(|stsd| stsd.get(8..))
        .flat_map(children)
        .any(|(k, _)| &k == b"encv")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).expect("small").to_be_bytes();
        [&size, &kind, body].concat()
    }

    fn moov(entry: [u8; 4]) -> Vec<u8> {
        let stsd = boxed(*b"stsd", &[&[0; 8], boxed(entry, b"").as_slice()].concat());
        let path = [b"stbl", b"minf", b"mdia", b"trak"];
        path.iter().fold(stsd, |inner, kind| boxed(**kind, &inner))
    }

    #[test]
    fn protected_video_is_seen() {
        assert!(encrypted(&moov(*b"encv")));
        assert!(!encrypted(&moov(*b"avc1")));
        assert!(!encrypted(&moov(*b"enca")));
        assert!(!encrypted(&moov(*b"encv")[..40]));
    }

    #[test]
    fn a_box_that_holds_itself_ends() {
        assert_eq!(children(&[0, 0, 0, 0, b't', b'r', b'a', b'k']).count(), 1);
        assert_eq!(children(b"\0\0\0\x01trak\0\0\0\0\0\0\0\0").count(), 0);
    }
}
