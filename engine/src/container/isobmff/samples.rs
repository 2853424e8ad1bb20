//! The tables of a track expanded: one entry for each sample, in decoding order.

use super::sample_tables::{Chunks, Rows, SampleTables};
use crate::container::index_unusable::IndexUnusable;

/// The most samples that an index may list: 19 hours at 30 frames a second.
pub(crate) const MAX_SAMPLES: usize = 1 << 21;

/// One coded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Where in the file it begins.
    pub(crate) offset: u64,
    /// When it is decoded, in ticks of media time.
    pub(crate) dts: i64,
    /// How much later it is shown, in ticks.
    pub(crate) composition_offset: i32,
    /// Its length in bytes, below 2³⁰, and in the highest bits whether decoding can start here, and
    /// whether it shows nothing.
    size_and_flags: u32,
}

const SYNC: u32 = 1 << 31;
const HIDDEN: u32 = 1 << 30;
const FLAGS: u32 = SYNC | HIDDEN;

/// The most bytes that a sample may have.
pub(crate) const MAX_SIZE: u32 = HIDDEN - 1;

impl Sample {
    /// A sample of `size` bytes, at most [`MAX_SIZE`], at `offset`.
    #[must_use]
    pub(crate) const fn new(
        offset: u64,
        size: u32,
        dts: i64,
        composition_offset: i32,
        sync: bool,
    ) -> Self {
        let sync = if sync { SYNC } else { 0 };
        Self {
            offset,
            dts,
            composition_offset,
            size_and_flags: (size & !FLAGS) | sync,
        }
    }

    /// Its length in bytes.
    #[must_use]
    pub(crate) const fn size(&self) -> u32 {
        self.size_and_flags & !FLAGS
    }

    /// Whether the file says that decoding can start here.
    #[must_use]
    pub(crate) const fn sync(&self) -> bool {
        self.size_and_flags & SYNC != 0
    }

    /// The same sample, of which nothing is shown: others depend on it.
    #[must_use]
    pub(crate) const fn hidden(self) -> Self {
        Self {
            size_and_flags: self.size_and_flags | HIDDEN,
            ..self
        }
    }

    /// Whether a decoder shows nothing for it.
    #[must_use]
    pub(crate) const fn is_hidden(&self) -> bool {
        self.size_and_flags & HIDDEN != 0
    }

    /// When it is shown, in ticks of media time.
    #[must_use]
    pub(crate) const fn pts(&self) -> i64 {
        self.dts + self.composition_offset as i64
    }

    /// The first byte after it.
    #[must_use]
    pub(crate) const fn end(&self) -> u64 {
        self.offset + self.size() as u64
    }
}

/// Longer ticks than this are errors, to ffmpeg as well.
pub(super) const MAX_TICKS: u32 = i32::MAX as u32;

/// Larger composition offsets than this make ffmpeg disbelieve all of them.
pub(super) const MAX_COMPOSITION_OFFSET: i32 = 1 << 28;

/// Every sample, all of whose bytes lie within `file_len`.
pub(super) fn expand(tables: &SampleTables, file_len: u64) -> Result<Vec<Sample>, IndexUnusable> {
    let count = tables.sizes.count(file_len)?;
    if count > MAX_SAMPLES {
        return Err(IndexUnusable::TooLarge);
    }
    let mut samples = Vec::with_capacity(count);
    place(tables, file_len, &mut samples)?;
    if samples.len() != count {
        return Err(IndexUnusable::inconsistent("stsc"));
    }
    time(tables, &mut samples)?;
    mark(tables, &mut samples)?;
    Ok(samples)
}

/// Sizes and offsets, from stsz, stsc and the chunks.
fn place(
    tables: &SampleTables,
    file_len: u64,
    samples: &mut Vec<Sample>,
) -> Result<(), IndexUnusable> {
    let mut sizes = tables.sizes.iter();
    let mut runs = tables.runs.iter().peekable();
    let chunks = tables.chunks.len();
    let mut next_chunk = 1;
    while let Some([first, per_chunk, description]) = runs.next() {
        if description != 1 {
            return Err(IndexUnusable::SeveralCodings);
        }
        let end = match runs.peek() {
            Some([next, ..]) => *next as usize,
            None => chunks + 1,
        };
        if first as usize != next_chunk || end <= next_chunk || end > chunks + 1 {
            return Err(IndexUnusable::inconsistent("stsc"));
        }
        for chunk in next_chunk..end {
            let sizes = sizes.by_ref().take(per_chunk as usize);
            place_chunk(&tables.chunks, chunk - 1, sizes, file_len, samples)?;
        }
        next_chunk = end;
    }
    Ok(())
}

fn place_chunk(
    chunks: &Chunks,
    chunk: usize,
    sizes: impl Iterator<Item = u32>,
    file_len: u64,
    samples: &mut Vec<Sample>,
) -> Result<(), IndexUnusable> {
    let mut offset = chunks
        .offset(chunk)
        .ok_or_else(|| IndexUnusable::inconsistent("stco"))?;
    for size in sizes {
        if size > MAX_SIZE || offset.saturating_add(u64::from(size)) > file_len {
            return Err(IndexUnusable::OutOfRange);
        }
        samples.push(Sample::new(offset, size, 0, 0, false));
        offset += u64::from(size);
    }
    Ok(())
}

/// Times, from stts and ctts.
fn time(tables: &SampleTables, samples: &mut [Sample]) -> Result<(), IndexUnusable> {
    cover(&tables.durations, samples.len(), "stts")?;
    let mut rest = samples.iter_mut();
    let mut dts = 0_i64;
    for [count, ticks] in tables.durations.iter() {
        if ticks > MAX_TICKS {
            return Err(IndexUnusable::inconsistent("stts"));
        }
        for sample in rest.by_ref().take(count as usize) {
            sample.dts = dts;
            dts += i64::from(ticks);
        }
    }
    // A table without rows is as good as none.
    let Some(composition_offsets) = tables
        .composition_offsets
        .as_ref()
        .filter(|composition_offsets| composition_offsets.len() > 0)
    else {
        return Ok(());
    };
    cover(composition_offsets, samples.len(), "ctts")?;
    let mut rest = samples.iter_mut();
    for [count, composition_offset] in composition_offsets.iter() {
        // Version 0 says unsigned, and real files are signed all the same.
        let composition_offset = composition_offset.cast_signed();
        if composition_offset.abs_diff(0) > MAX_COMPOSITION_OFFSET.unsigned_abs() {
            return Err(IndexUnusable::inconsistent("ctts"));
        }
        for sample in rest.by_ref().take(count as usize) {
            sample.composition_offset = composition_offset;
        }
    }
    Ok(())
}

/// Whether the rows of a table of runs are for exactly `count` samples: one that is too long or
/// too short gives all times after its error to the wrong samples.
fn cover(runs: &Rows<2>, count: usize, what: &str) -> Result<(), IndexUnusable> {
    let covered: u64 = runs.iter().map(|[samples, _]| u64::from(samples)).sum();
    if covered == count as u64 {
        Ok(())
    } else {
        Err(IndexUnusable::inconsistent(what))
    }
}

/// Where decoding can start, from stss.
fn mark(tables: &SampleTables, samples: &mut [Sample]) -> Result<(), IndexUnusable> {
    let Some(syncs) = &tables.syncs else {
        for sample in samples {
            sample.size_and_flags |= SYNC;
        }
        return Ok(());
    };
    let mut last = 0;
    for [number] in syncs.iter() {
        let sample = samples.get_mut((number as usize).wrapping_sub(1));
        match sample {
            Some(sample) if number > last => sample.size_and_flags |= SYNC,
            _ => return Err(IndexUnusable::inconsistent("stss")),
        }
        last = number;
    }
    Ok(())
}
