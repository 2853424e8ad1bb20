//! What the boxes at the top of a file say of its end, and of encryption.
//!
//! Tolerant, unlike the index: what is not understood here is left to ffmpeg.

use bytes::Bytes;

use super::boxes::{Header, name, whole_boxes};
use crate::container::structure::{Structure, missing_bytes};
use crate::io::source::{Source, SourceError};

/// Boxes at the top that are looked at; a fragmented file has thousands.
const MAX_BOXES: usize = 32;

/// Bytes of `moov` that are looked at.
const MAX_MOOV: u64 = 32 << 20;

/// Walks the boxes at the top of the file, and down into `moov`.
pub(crate) async fn inspect_structure(
    source: &dyn Source,
    head: &Bytes,
) -> Result<Structure, SourceError> {
    let length = source.len();
    let mut structure = Structure::default();
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        let bytes = match usize::try_from(at).ok().filter(|&at| at + 16 <= head.len()) {
            Some(at) => head.slice(at..at + 16),
            None => source.read(at..length.min(at.saturating_add(16))).await?,
        };
        let Some(header) = Header::parse(&bytes) else {
            break;
        };
        let Some(end) = header.len.map_or(Some(length), |len| at.checked_add(len)) else {
            break;
        };
        if matches!(&header.kind, b"mdat" | b"moov" | b"moof" | b"mfra") {
            let part = format!("the box {}", name(header.kind));
            structure.truncated = missing_bytes(&part, end, length);
        }
        if &header.kind == b"moov" {
            let start = at + header.size as u64;
            let body = start..end.min(length).min(at.saturating_add(MAX_MOOV));
            structure.encrypted = !body.is_empty() && is_encrypted(&source.read(body).await?);
        }
        at = end;
        if at >= length {
            break;
        }
    }
    Ok(structure)
}

/// Whether a track of `moov` has a protected sample entry for video (`encv`, 8.12).
fn is_encrypted(moov: &Bytes) -> bool {
    let mut level = vec![moov.clone()];
    for step in [b"trak", b"mdia", b"minf", b"stbl", b"stsd"] {
        let children = level.into_iter().flat_map(whole_boxes);
        let found = children.filter(|child| &child.kind == step);
        level = found.map(|child| child.payload()).collect();
    }
    // Version, flags and count stand before the entries.
    let entries = level.into_iter().filter(|stsd| stsd.len() >= 8);
    entries
        .map(|stsd| stsd.slice(8..))
        .flat_map(whole_boxes)
        .any(|entry| &entry.kind == b"encv")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).expect("small").to_be_bytes();
        [&size, &kind, body].concat()
    }

    fn moov(entry: [u8; 4]) -> Bytes {
        let stsd = boxed(*b"stsd", &[&[0; 8], boxed(entry, b"").as_slice()].concat());
        let path = [b"stbl", b"minf", b"mdia", b"trak"];
        path.iter()
            .fold(stsd, |inner, kind| boxed(**kind, &inner))
            .into()
    }

    #[test]
    fn protected_video_is_seen() {
        assert!(is_encrypted(&moov(*b"encv")));
        assert!(!is_encrypted(&moov(*b"avc1")));
        assert!(!is_encrypted(&moov(*b"enca")));
        assert!(!is_encrypted(&moov(*b"encv").slice(..40)));
    }

    #[test]
    fn a_box_that_holds_itself_ends() {
        assert_eq!(whole_boxes(Bytes::from_static(b"\0\0\0\0trak")).count(), 1);
        assert_eq!(
            whole_boxes(Bytes::from_static(b"\0\0\0\x01trak\0\0\0\0\0\0\0\0")).count(),
            0
        );
    }
}
