//! What a segment begins with, up to its first cluster.

use std::ops::Range;

use bytes::Bytes;

use super::cues::{self, Cues, parse_cues};
use super::ebml::{Header, child, elements, float, header, number, segment_start};
use super::ids::{
    CLUSTER, CUES, DOC_TYPE, DURATION, INFO, SEEK, SEEK_HEAD, SEEK_ID, SEEK_POSITION, SEGMENT,
    TIMESTAMP_SCALE, TRACKS,
};
use super::track::{Track, VideoTrack, parse_tracks};
use super::window::Window;
use crate::container::index_unusable::{IndexError, IndexUnusable};
use crate::io::source::Source;

/// Elements before the first cluster, and the bytes of one that is read.
const MAX_ELEMENTS: usize = 64;
const MAX_BYTES: u64 = 4 << 20;

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// What is known before the first frame.
#[derive(Debug)]
pub(super) struct Opening {
    /// Where the segment's data are in the file.
    pub(super) segment: Range<u64>,
    /// Ticks in a second.
    pub(super) timescale: u32,
    /// The playing time as ffmpeg tells it: in hundredths, but in milliseconds; 0 where it is not said.
    pub(super) duration_ms: u64,
    pub(super) tracks: Vec<Track>,
    pub(super) video: VideoTrack,
    pub(super) first_cluster: u64,
    /// Where `Cues` are, if that is said.
    cues: Option<u64>,
}

impl Opening {
    /// Nanoseconds in ticks, as ffmpeg rounds them.
    pub(super) fn ticks(&self, nanos: u64) -> i64 {
        let scale = SECOND / u64::from(self.timescale);
        i64::try_from(nanos.saturating_add(scale / 2) / scale).unwrap_or(i64::MAX)
    }
}

/// Reads the opening of `source`, whose first bytes are `head`.
pub(super) async fn read_opening(
    source: &dyn Source,
    head: Bytes,
    wanted: Option<u32>,
) -> Result<Opening, IndexError> {
    let inconsistent = IndexUnusable::inconsistent;
    let start = segment_start(&head).ok_or_else(|| inconsistent("Segment"))?;
    let segment = segment(&head, start, source.len())?;
    let mut window = Window::new(source, head, segment.end);
    let (mut at, mut cues) = (segment.start, None);
    let (mut info, mut tracks) = (None, None);
    for _ in 0..MAX_ELEMENTS {
        if at >= segment.end {
            return Err(IndexUnusable::NoVideo.into());
        }
        let found = header(window.from(at, 12).await?).ok_or_else(|| inconsistent("Segment"))?;
        if found.id == CLUSTER {
            let info: Bytes = info.ok_or_else(|| inconsistent("Info"))?;
            let tracks: Bytes = tracks.ok_or_else(|| inconsistent("Tracks"))?;
            let (tracks, video) = parse_tracks(&tracks, wanted)?;
            return Ok(Opening {
                timescale: timescale(&info)?,
                duration_ms: duration_ms(&info)?,
                segment,
                tracks,
                video,
                first_cluster: at,
                cues,
            });
        }
        let (data_at, end) = place(&found, at, segment.end)?;
        match found.id {
            INFO if info.is_none() => info = Some(read(&mut window, data_at..end).await?),
            TRACKS if tracks.is_none() => tracks = Some(read(&mut window, data_at..end).await?),
            SEEK_HEAD => {
                let seeks = read(&mut window, data_at..end).await?;
                let position = cues_position(&seeks).and_then(|at| segment.start.checked_add(at));
                cues = cues.or(position);
            }
            CUES => cues = Some(at),
            _ => {}
        }
        at = end;
    }
    Err(IndexUnusable::TooLarge.into())
}

/// The keyframes that the file lists; none where it does not, or not in order.
pub(super) async fn read_cues(source: &dyn Source, opening: &Opening) -> Result<Cues, IndexError> {
    let at = opening.cues.filter(|at| opening.segment.contains(at));
    let Some(at) = at else {
        return Ok(Cues::default());
    };
    let mut window = Window::new(source, Bytes::new(), opening.segment.end);
    let Some(found) = header(window.from(at, 12).await?).filter(|found| found.id == CUES) else {
        return Ok(Cues::default());
    };
    let Ok((data_at, end)) = place(&found, at, opening.segment.end) else {
        return Ok(Cues::default());
    };
    if end - data_at > cues::MAX_BYTES {
        return Ok(Cues::default());
    }
    let bytes = window.from(data_at, end - data_at).await?;
    let bytes = bytes.get(..usize::try_from(end - data_at).unwrap_or(usize::MAX));
    let track = opening.video.number;
    Ok(parse_cues(
        bytes.unwrap_or_default(),
        track,
        &opening.segment,
    ))
}

/// Where the segment's data are, which begin at `start` in a file of `length` bytes.
fn segment(head: &[u8], start: usize, length: u64) -> Result<Range<u64>, IndexUnusable> {
    let inconsistent = || IndexUnusable::inconsistent("Segment");
    let first = header(head).ok_or_else(inconsistent)?;
    let at = first.size.and_then(|size| usize::try_from(size).ok());
    let at = at.and_then(|size| size.checked_add(first.length));
    let document = at.and_then(|at| head.get(first.length..at));
    if !document.is_some_and(is_known_document) {
        return Err(IndexUnusable::inconsistent("EBML"));
    }
    let found = at.and_then(|at| header(head.get(at..)?));
    let found = found.filter(|found| found.id == SEGMENT);
    let start = start as u64;
    match found.ok_or_else(inconsistent)?.size {
        None => Ok(start..length),
        Some(size) => match start.checked_add(size) {
            Some(end) if end == length => Ok(start..end),
            // More may follow that ffmpeg shows.
            Some(end) if end < length => Err(inconsistent()),
            _ => Err(IndexUnusable::OutOfRange),
        },
    }
}

/// Whether the data of the first element of all are whole, and name a kind of file that is known.
fn is_known_document(data: &[u8]) -> bool {
    let mut rest = data;
    while let Some(found) = header(rest) {
        let end = found.size.and_then(|size| usize::try_from(size).ok());
        let end = end.and_then(|size| size.checked_add(found.length));
        match end.and_then(|end| rest.get(end..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    let kind = child(data, DOC_TYPE).map(<[u8]>::trim_ascii_end);
    rest.is_empty() && matches!(kind, Some(b"matroska" | b"webm"))
}

/// Where an element's data begin and end.
fn place(found: &Header, at: u64, limit: u64) -> Result<(u64, u64), IndexUnusable> {
    let data_at = at + found.length as u64;
    let end = found.size.and_then(|size| data_at.checked_add(size));
    let end = end.filter(|&end| end <= limit);
    Ok((data_at, end.ok_or(IndexUnusable::OutOfRange)?))
}

async fn read(window: &mut Window<'_>, range: Range<u64>) -> Result<Bytes, IndexError> {
    let length = range.end - range.start;
    if length > MAX_BYTES {
        return Err(IndexUnusable::TooLarge.into());
    }
    let bytes = window.from(range.start, length).await?;
    let bytes = bytes.get(..usize::try_from(length).unwrap_or(usize::MAX));
    let bytes = bytes.ok_or(IndexUnusable::OutOfRange)?;
    Ok(Bytes::copy_from_slice(bytes))
}

/// Ticks in a second, where a tick is a whole part of one.
fn timescale(info: &[u8]) -> Result<u32, IndexUnusable> {
    const MILLISECOND: u64 = 1_000_000;

    let scale = child(info, TIMESTAMP_SCALE).map_or(Some(MILLISECOND), number);
    let scale = scale.filter(|&scale| scale > 0 && SECOND.is_multiple_of(scale));
    let timescale = scale.and_then(|scale| u32::try_from(SECOND / scale).ok());
    timescale.ok_or_else(|| IndexUnusable::inconsistent("TimestampScale"))
}

/// The playing time, in hundredths of a second as ffmpeg tells it, but in milliseconds.
fn duration_ms(info: &[u8]) -> Result<u64, IndexUnusable> {
    let Some(ticks) = child(info, DURATION).and_then(float) else {
        return Ok(0);
    };
    let seconds = ticks / f64::from(timescale(info)?);
    if !(0.0..1e9).contains(&seconds) {
        return Err(IndexUnusable::inconsistent("Duration"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is in range"
    )]
    let micros = (seconds * 1e6) as u64;
    Ok((micros + 5000) / 10_000 * 10)
}

/// Where `Cues` are, counted from the segment's data.
fn cues_position(seek_head: &[u8]) -> Option<u64> {
    let mut seeks = elements(seek_head).filter(|&(id, _)| id == SEEK);
    let is_cues = |seek: &[u8]| child(seek, SEEK_ID).and_then(number) == Some(CUES.into());
    let seek = seeks.find(|&(_, seek)| is_cues(seek))?.1;
    child(seek, SEEK_POSITION).and_then(number)
}

#[cfg(test)]
mod tests {
    use super::super::ebml::tests::element;
    use super::super::ids::{CODEC_ID, PIXEL_HEIGHT, PIXEL_WIDTH, TRACK_ENTRY, VIDEO};
    use super::super::ids::{EBML, TRACK_NUMBER, TRACK_TYPE};
    use super::*;
    use crate::tests::support::Memory;

    /// A file up to its first cluster, with one track of `codec`.
    fn file(codec: &[u8], info: &[u8]) -> Vec<u8> {
        let size = [element(PIXEL_WIDTH, &[64]), element(PIXEL_HEIGHT, &[48])].concat();
        let track = [
            element(TRACK_NUMBER, &[2]),
            element(TRACK_TYPE, &[1]),
            element(CODEC_ID, codec),
            element(VIDEO, &size),
        ];
        let tracks = element(TRACKS, &element(TRACK_ENTRY, &track.concat()));
        let seek = [
            element(SEEK_ID, &CUES.to_be_bytes()),
            element(SEEK_POSITION, &[1, 0]),
        ];
        let head = element(SEEK_HEAD, &element(SEEK, &seek.concat()));
        let parts = [head, element(INFO, info), tracks, element(CLUSTER, &[])];
        let segment = element(SEGMENT, &parts.concat());
        [element(EBML, &element(DOC_TYPE, b"webm")), segment].concat()
    }

    async fn open(file: Vec<u8>) -> Result<Opening, IndexError> {
        let source = Memory::new(file);
        let head = source.0.clone();
        read_opening(source.as_ref(), head, None).await
    }

    #[tokio::test]
    async fn reads_what_is_needed() {
        let info = element(DURATION, &90_004.0_f64.to_be_bytes());
        let found = open(file(b"V_VP9", &info)).await.expect("it can be read");
        assert_eq!((found.timescale, found.duration_ms), (1000, 90_000));
        assert_eq!((found.video.number, found.tracks.len()), (2, 1));
        assert_eq!(found.cues, Some(found.segment.start + 256));
        assert_eq!(found.ticks(6_500_000), 7);
    }

    #[tokio::test]
    async fn other_codecs_are_not_read_by_samples() {
        let Err(IndexError::Unusable(unusable)) = open(file(b"V_THEORA", &[])).await else {
            panic!("it is of no use");
        };
        assert_eq!(
            unusable,
            IndexUnusable::Codec {
                fourcc: "V_THEORA".into()
            }
        );
    }

    #[tokio::test]
    async fn cut_files_are_refused() {
        let whole = file(b"V_VP8", &[]);
        for length in 0..whole.len() {
            open(whole[..length].to_vec()).await.expect_err("it is cut");
        }
    }
}
