//! The samples of a fragmented file (ISO/IEC 14496-12, 8.8).
//!
//! An index of the fragments, `sidx` before them or `mfra` after them, is used for nothing but
//! speed. Its boundaries let the fragments' headers, which list the samples, be read several at a
//! time; what lies between two boundaries is walked box by box, so that an index which leaves some
//! out, or lies, gives the same samples or none. Without one, as where segments of a stream were
//! laid end to end, all of the file lies between two boundaries.

mod segment_boundaries;
mod track_runs;
mod walk;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::boxes::{ftyp, u32_at};
use super::edit_list;
use super::index::{Index, PresentationRange};
use super::sample_tables::SampleTables;
use super::samples::{Sample, expand};
use super::track::Track;
use crate::container::index_unusable::{IndexError, IndexUnusable};
use crate::io::source::Source;
use track_runs::{SampleDefaults, TrackRuns};
use walk::{Fragment, walk_fragments};

/// Headers read at a time, which hides a request's latency.
const AHEAD: usize = 8;

/// Reads the index of `source`, which begins with `head` and whose `moov`, ending at `end`, says
/// that the samples are in fragments.
pub(super) async fn open_fragmented_index(
    source: &dyn Source,
    head: &Bytes,
    moov: &Bytes,
    wanted: Option<u32>,
    end: u64,
) -> Result<Index, IndexError> {
    let track = Track::parse(ftyp(head), moov, wanted)?;
    let defaults = defaults(&track)?;
    let ahead = ahead(&track, source.len())?;
    let boundaries = segment_boundaries::find(source, head, end, track.init.track).await?;
    let mut segments = boundaries.windows(2).map(|pair| pair[0]..pair[1]);
    let Some(first) = segments.next() else {
        return Err(IndexUnusable::Fragmented.into());
    };
    let mut runs = TrackRuns::new(track.init.track, defaults, source.len(), ahead);
    let fragments = walk_fragments(source, first, walk::PROBE).await?;
    let longest = fragments.iter().map(Fragment::header_len).max();
    let probe = longest.map_or(walk::PROBE, walk::probe);
    if probe * segments.len() as u64 > source.len() / walk::MAX_HEADERS && segments.len() > 1 {
        return Err(IndexUnusable::ManyFragments.into());
    }
    runs.add(&fragments)?;
    // Collected, and not mapped by the stream: over its closure the compiler could not tell that
    // the whole future may move between threads.
    let walks: Vec<_> = segments
        .map(|segment| walk_fragments(source, segment, probe))
        .collect();
    let mut rest = stream::iter(walks).buffered(AHEAD);
    while let Some(fragments) = rest.try_next().await? {
        runs.add(&fragments)?;
    }
    let (samples, ticks) = runs.finish()?;
    let moved = edit_list::moved_by(&track.trak, track.movie_scale, track.timescale)?;
    // ffmpeg moves all times so that no frame is shown before it is decoded.
    let lowest = samples.iter().map(|sample| sample.composition_offset).min();
    let clock_offset = moved.saturating_sub(lowest.unwrap_or(0).min(0).into());
    Ok(Index {
        codec: track.codec,
        timescale: track.timescale,
        samples,
        cuts: Vec::new(),
        prefix: Bytes::new(),
        presentation_range: PresentationRange::ALL,
        clock_offset,
        init: track.init,
        track: track.choice,
        duration_ms: ticks.saturating_mul(1000) / u64::from(track.timescale),
    })
}

/// What `mvex` says of all fragments.
fn defaults(track: &Track) -> Result<SampleDefaults, IndexUnusable> {
    let mvex = track.mvex.as_ref().ok_or(IndexUnusable::Fragmented)?;
    let trex = mvex.children()?.into_iter();
    let trex = trex.filter(|child| &child.kind == b"trex");
    let mut defaults = trex.filter_map(|trex| SampleDefaults::from_trex(&trex, track.init.track));
    defaults
        .next()
        .ok_or_else(|| IndexUnusable::inconsistent("trex"))
}

/// The samples that `moov` lists itself: ffmpeg writes the first ones so.
fn ahead(track: &Track, file_len: u64) -> Result<Vec<Sample>, IndexUnusable> {
    let stsz = track.stbl.need(*b"stsz")?;
    if u32_at(&stsz.full()?.1, 4) == Some(0) {
        return Ok(Vec::new());
    }
    // It would cut these samples only.
    if track.trak.child(*b"edts")?.is_some() {
        return Err(IndexUnusable::Edits);
    }
    let samples = expand(&SampleTables::parse(&track.stbl)?, file_len)?;
    // ffmpeg would show these samples earlier, and those of fragments not.
    if samples.iter().any(|sample| sample.composition_offset < 0) {
        return Err(IndexUnusable::inconsistent("times in fragments"));
    }
    Ok(samples)
}
