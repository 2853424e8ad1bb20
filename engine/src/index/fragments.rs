//! The samples of a fragmented file (ISO/IEC 14496-12, 8.8).
//!
//! An index of the fragments, `sidx` before them or `mfra` after them, is used for nothing but
//! speed. Its borders let the fragments' headers, which list the samples, be read several at a
//! time; what lies between two borders is walked box by box, so that an index which leaves some
//! out, or lies, gives the same samples or none. Without one, as where segments of a stream were
//! laid end to end, all of the file lies between two borders.

mod borders;
mod moof;
mod walk;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::boxes::u32_at;
use super::open::ftyp;
use super::samples::expand;
use super::tables::Tables;
use super::track::Track;
use super::{Index, Sample, Unfit, Window, edits};
use crate::source::{Source, SourceError};
use moof::{Defaults, Runs};
use walk::{Fragment, walk};

/// Headers read at a time, which hides a request's latency.
const AHEAD: usize = 8;

/// Why no index came of it: the source's fault, or the file's.
enum Failure {
    Source(SourceError),
    Unfit(Unfit),
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

/// Reads the index of `source`, which begins with `head` and whose `moov`, ending at `end`, says
/// that the samples are in fragments.
pub(super) async fn open(
    source: &dyn Source,
    head: &Bytes,
    moov: &Bytes,
    end: u64,
) -> Result<Result<Index, Unfit>, SourceError> {
    match read(source, head, moov, end).await {
        Ok(index) => Ok(Ok(index)),
        Err(Failure::Unfit(unfit)) => Ok(Err(unfit)),
        Err(Failure::Source(error)) => Err(error),
    }
}

async fn read(source: &dyn Source, head: &Bytes, moov: &Bytes, end: u64) -> Result<Index, Failure> {
    let track = Track::read(ftyp(head), moov)?;
    let defaults = defaults(&track)?;
    let ahead = ahead(&track, source.len())?;
    let borders = borders::find(source, head, end, track.init.track).await?;
    let mut segments = borders.windows(2).map(|pair| pair[0]..pair[1]);
    let Some(first) = segments.next() else {
        return Err(Unfit::Fragmented.into());
    };
    let mut runs = Runs::new(track.init.track, defaults, source.len(), ahead);
    let fragments = walk(source, first, walk::PROBE).await?;
    let longest = fragments.iter().map(Fragment::header_len).max();
    let probe = longest.map_or(walk::PROBE, walk::probe);
    if probe * segments.len() as u64 > source.len() / walk::MOST_HEADERS && segments.len() > 1 {
        return Err(Unfit::ManyFragments.into());
    }
    runs.add(&fragments)?;
    // Collected, and not mapped by the stream: over its closure the compiler could not tell that
    // the whole future may move between threads.
    let walks: Vec<_> = segments
        .map(|segment| walk(source, segment, probe))
        .collect();
    let mut rest = stream::iter(walks).buffered(AHEAD);
    while let Some(fragments) = rest.try_next().await? {
        runs.add(&fragments)?;
    }
    let (samples, ticks) = runs.finish()?;
    Ok(Index {
        codec: track.codec,
        timescale: track.timescale,
        samples,
        window: Window::ALL,
        init: track.init,
        duration_ms: ticks.saturating_mul(1000) / u64::from(track.timescale),
    })
}

/// What `mvex` says of all fragments.
fn defaults(track: &Track) -> Result<Defaults, Unfit> {
    let mvex = track.mvex.as_ref().ok_or(Unfit::Fragmented)?;
    let trex = mvex.children()?.into_iter();
    let trex = trex.filter(|child| &child.kind == b"trex");
    let mut of_track = trex.filter_map(|trex| Defaults::of_track(&trex, track.init.track));
    of_track.next().ok_or_else(|| Unfit::inconsistent("trex"))
}

/// The samples that `moov` lists itself: ffmpeg writes the first ones so.
fn ahead(track: &Track, file_len: u64) -> Result<Vec<Sample>, Unfit> {
    let stsz = track.stbl.need(*b"stsz")?;
    if u32_at(&stsz.full()?.1, 4) == Some(0) {
        edits::moves_only(&track.trak)?;
        return Ok(Vec::new());
    }
    // It would cut these samples only.
    if track.trak.child(*b"edts")?.is_some() {
        return Err(Unfit::Edits);
    }
    let samples = expand(&Tables::read(&track.stbl)?, file_len)?;
    // ffmpeg would show these samples earlier, and those of fragments not.
    if samples.iter().any(|sample| sample.shift < 0) {
        return Err(Unfit::inconsistent("times in fragments"));
    }
    Ok(samples)
}
