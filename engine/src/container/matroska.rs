//! Matroska and `WebM` (RFC 9559, on EBML, RFC 8794).

use super::{Structure, missing};
use crate::ebml::header;

const EBML: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
/// Contained in a track's `ContentEncoding`: the track is encrypted.
const CONTENT_ENCRYPTION: &[u8] = &[0x50, 0x35];
const TRACKS: &[u8] = &[0x16, 0x54, 0xae, 0x6b];
const CLUSTER: &[u8] = &[0x1f, 0x43, 0xb6, 0x75];

/// Looks at the segment's size, if it is known.
pub(super) fn inspect(head: &[u8], length: u64) -> Structure {
    Structure {
        truncated: truncated(head, length),
        encrypted: encrypted(head),
    }
}

fn truncated(head: &[u8], length: u64) -> Option<String> {
    let first = header(head).filter(|first| first.id == EBML)?;
    let at = first.length + usize::try_from(first.size?).ok()?;
    let segment = header(head.get(at..)?).filter(|second| second.id == SEGMENT)?;
    let start = u64::try_from(at + segment.length).ok()?;
    missing(
        "the Matroska segment",
        start.checked_add(segment.size?)?,
        length,
    )
}

/// Whether an element of encryption stands between the tracks' start and the first cluster.
fn encrypted(head: &[u8]) -> bool {
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|w| w == what);
    let Some(start) = find(head, TRACKS) else {
        return false;
    };
    let tracks = &head[start..];
    let tracks = &tracks[..find(tracks, CLUSTER).unwrap_or(tracks.len())];
    // ContentEncodings 6D80, ContentEncoding 6240, then ContentEncryption 5035 within.
    let Some(encodings) = find(tracks, &[0x6d, 0x80]) else {
        return false;
    };
    let encodings = &tracks[encodings..tracks.len().min(encodings + 64)];
    find(encodings, &[0x62, 0x40]).is_some() && find(encodings, CONTENT_ENCRYPTION).is_some()
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
