//! The tables of a track (`stbl`), checked against the bytes they are in, not yet expanded.

use bytes::Bytes;

use super::boxes::{Mp4Box, u32_at, u64_at};
use crate::container::index_unusable::IndexUnusable;

/// The six tables that say when and where a track's samples are.
pub(super) struct SampleTables {
    /// (samples, ticks each lasts).
    pub(super) durations: Rows<2>,
    /// (samples, ticks each is shown after it is decoded).
    pub(super) composition_offsets: Option<Rows<2>>,
    /// (first chunk counted from one, samples in a chunk, description).
    pub(super) runs: Rows<3>,
    pub(super) sizes: Sizes,
    pub(super) chunks: Chunks,
    /// Numbers, counted from one, of the samples to start at; `None` means all.
    pub(super) syncs: Option<Rows<1>>,
}

impl SampleTables {
    pub(super) fn parse(stbl: &Mp4Box) -> Result<Self, IndexUnusable> {
        let chunks = match (stbl.child(*b"stco")?, stbl.child(*b"co64")?) {
            (Some(table), None) => Chunks::Short(Rows::parse(&table)?),
            (None, Some(table)) => Chunks::Long(Rows::parse(&table)?),
            _ => return Err(IndexUnusable::inconsistent("stco")),
        };
        let optional = |kind| stbl.child(kind);
        Ok(Self {
            durations: Rows::parse(&stbl.need(*b"stts")?)?,
            composition_offsets: optional(*b"ctts")?
                .map(|table| Rows::parse(&table))
                .transpose()?,
            runs: Rows::parse(&stbl.need(*b"stsc")?)?,
            sizes: Sizes::parse(&stbl.need(*b"stsz")?)?,
            chunks,
            syncs: optional(*b"stss")?
                .map(|table| Rows::parse(&table))
                .transpose()?,
        })
    }
}

/// A table of `N` 32-bit columns, all of whose rows are there.
#[derive(Clone, Debug)]
pub(super) struct Rows<const N: usize> {
    data: Bytes,
}

impl<const N: usize> Rows<N> {
    fn parse(table: &Mp4Box) -> Result<Self, IndexUnusable> {
        let (_, data) = table.full()?;
        Self::counted(&data, 0).ok_or_else(|| table.broken())
    }

    /// The rows after their number, which is at `at` of `data`.
    fn counted(data: &Bytes, at: usize) -> Option<Self> {
        let count = usize::try_from(u32_at(data, at)?).ok()?;
        let len = count.checked_mul(N * 4)?;
        let end = len.checked_add(at + 4)?;
        (end <= data.len()).then(|| Self {
            data: data.slice(at + 4..end),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.data.len() / (N * 4)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = [u32; N]> + '_ {
        self.data
            .chunks_exact(N * 4)
            .map(|row| std::array::from_fn(|column| u32_at(row, column * 4).unwrap_or_default()))
    }
}

/// Where chunks begin.
pub(super) enum Chunks {
    Short(Rows<1>),
    Long(Rows<2>),
}

impl Chunks {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Short(rows) => rows.len(),
            Self::Long(rows) => rows.len(),
        }
    }

    /// The file offset of the chunk `index`, counted from zero.
    pub(super) fn offset(&self, index: usize) -> Option<u64> {
        match self {
            Self::Short(rows) => u32_at(&rows.data, index.checked_mul(4)?).map(u64::from),
            Self::Long(rows) => u64_at(&rows.data, index.checked_mul(8)?),
        }
    }
}

/// How large samples are.
pub(super) enum Sizes {
    /// All the same, and how many there are.
    Same {
        size: u32,
        count: u32,
    },
    Each(Rows<1>),
}

impl Sizes {
    fn parse(table: &Mp4Box) -> Result<Self, IndexUnusable> {
        let (_, data) = table.full()?;
        let broken = || table.broken();
        let size = u32_at(&data, 0).ok_or_else(broken)?;
        if size == 0 {
            return Ok(Self::Each(Rows::counted(&data, 4).ok_or_else(broken)?));
        }
        let count = u32_at(&data, 4).ok_or_else(broken)?;
        Ok(Self::Same { size, count })
    }

    /// How many samples there are, if a file of `file_len` bytes can hold as many.
    pub(super) fn count(&self, file_len: u64) -> Result<usize, IndexUnusable> {
        match self {
            Self::Each(rows) => Ok(rows.len()),
            Self::Same { size, count } => {
                if u64::from(*size) * u64::from(*count) > file_len {
                    return Err(IndexUnusable::OutOfRange);
                }
                usize::try_from(*count).map_err(|_| IndexUnusable::TooLarge)
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let (same, each) = match self {
            Self::Same { size, count } => (Some((*size, *count)), None),
            Self::Each(rows) => (None, Some(rows)),
        };
        let same = same.map(|(size, count)| std::iter::repeat_n(size, count as usize));
        let each = each.map(|rows| rows.iter().map(|[size]| size));
        same.into_iter().flatten().chain(each.into_iter().flatten())
    }
}
