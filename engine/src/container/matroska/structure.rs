//! What the beginning of a file says of its end, and of encryption.

use super::ebml::{elements_with_cut_end, header, segment_start};
use super::ids::{
    CLUSTER, CONTENT_ENCODING, CONTENT_ENCODINGS, CONTENT_ENCRYPTION, EBML, SEGMENT, TRACK_ENTRY,
    TRACKS,
};
use crate::container::structure::{Structure, missing_bytes};

/// Looks at the segment's size, if it is known.
pub(crate) fn inspect_structure(head: &[u8], length: u64) -> Structure {
    Structure {
        truncated: truncated(head, length),
        encrypted: is_encrypted(head),
    }
}

fn truncated(head: &[u8], length: u64) -> Option<String> {
    let first = header(head).filter(|first| first.id == EBML)?;
    let at = first.length + usize::try_from(first.size?).ok()?;
    let segment = header(head.get(at..)?).filter(|second| second.id == SEGMENT)?;
    let start = u64::try_from(at + segment.length).ok()?;
    missing_bytes(
        "the Matroska segment",
        start.checked_add(segment.size?)?,
        length,
    )
}

/// Whether a track before the first cluster has an encoding that encrypts it.
fn is_encrypted(head: &[u8]) -> bool {
    let Some(segment) = segment_start(head).and_then(|start| head.get(start..)) else {
        return false;
    };
    let before_clusters = elements_with_cut_end(segment).take_while(|&(id, ..)| id != CLUSTER);
    let mut level: Vec<&[u8]> = before_clusters
        .filter_map(|(id, data, _)| (id == TRACKS).then_some(data))
        .collect();
    for step in [
        TRACK_ENTRY,
        CONTENT_ENCODINGS,
        CONTENT_ENCODING,
        CONTENT_ENCRYPTION,
    ] {
        let children = level.into_iter().flat_map(elements_with_cut_end);
        level = children
            .filter_map(|(id, data, _)| (id == step).then_some(data))
            .collect();
    }
    !level.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = &[
        0x1a, 0x45, 0xdf, 0xa3, 0x81, 0, 0x18, 0x53, 0x80, 0x67, 0x40, 0x64,
    ];

    #[test]
    fn a_segment_beyond_the_end_is_a_cut() {
        assert_eq!(truncated(HEAD, 112), None);
        let cut = truncated(HEAD, 110);
        assert_eq!(
            cut.as_deref(),
            Some("the Matroska segment should go on for 2 more bytes")
        );
    }

    #[test]
    fn an_unknown_size_is_no_cut() {
        let live = [&HEAD[..10], &[0x01, 255, 255, 255, 255, 255, 255, 255]].concat();
        assert_eq!(truncated(&live, 20), None);
    }
}
