//! Containers whose end says whether they are whole, where ffmpeg does not.

use bytes::Bytes;

use super::structure::{Structure, missing_bytes};
use crate::io::source::{Source, SourceError};

/// The longest page of Ogg (RFC 3533, section 6): a header, 255 lengths, and as many segments of 255 bytes.
const LONGEST_PAGE: u64 = 27 + 255 + 255 * 255;

/// Ogg: its last page is as long as it says.
pub(super) async fn inspect_ogg(source: &dyn Source) -> Result<Structure, SourceError> {
    let length = source.len();
    let start = length.saturating_sub(LONGEST_PAGE);
    let tail = source.read(start..length).await?;
    Ok(Structure::of_end(missing_of_last_page(
        &tail, start, length,
    )))
}

fn missing_of_last_page(tail: &Bytes, start: u64, length: u64) -> Option<String> {
    let at = tail.windows(4).rposition(|four| four == b"OggS")?;
    let page = &tail[at..];
    let begins = start + at as u64;
    let Some(&segments) = page.get(26) else {
        return missing_bytes("the last page", begins + 27, length);
    };
    let lengths = page.get(27..27 + usize::from(segments));
    let body: u64 = lengths?.iter().map(|&length| u64::from(length)).sum();
    missing_bytes(
        "the last page",
        begins + 27 + u64::from(segments) + body,
        length,
    )
}

/// GIF: it ends with a trailer (`GIF89a`, section 27), behind which some programs leave zeros.
pub(super) async fn inspect_gif(source: &dyn Source) -> Result<Structure, SourceError> {
    const TRAILER: u8 = 0x3b;

    let length = source.len();
    let tail = source.read(length.saturating_sub(4096)..length).await?;
    let last = tail.iter().rev().find(|&&byte| byte != 0);
    let is_whole = last.is_none_or(|&last| last == TRAILER);
    Ok(Structure::of_end(
        (!is_whole).then(|| "the trailer of the GIF is missing".to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_ogg_is_as_long_as_its_segments() {
        let page = |body: usize| {
            let mut page = [&b"OggS"[..], &[0; 22], &[2, 255, 10]].concat();
            page.resize(29 + body, 7);
            Bytes::from([page.clone(), page].concat())
        };
        let missing = |tail: &Bytes| missing_of_last_page(tail, 1000, 1000 + tail.len() as u64);
        assert_eq!(missing(&page(265)), None);
        assert_eq!(
            missing(&page(200)).as_deref(),
            Some("the last page should go on for 65 more bytes")
        );
        assert!(missing(&Bytes::from_static(b"OggS and then")).is_some());
    }
}
