//! Which frames the clusters of a segment hold, told from the headers of their elements.
//!
//! A pure state machine: it says from where on it wants to see bytes, and is given some. It goes
//! forward only, by two bytes at least, and past the end of a frame without looking at it. What it
//! does not know by name makes the index unusable, as that may be damage.

use super::ebml::{header, number};
use super::ids::{
    ATTACHMENTS, BLOCK, BLOCK_ADDITIONS, BLOCK_DURATION, BLOCK_GROUP, CHAPTERS, CLUSTER, CRC_32,
    CUES, DISCARD_PADDING, INFO, POSITION, PREV_SIZE, REFERENCE_BLOCK, REFERENCE_PRIORITY,
    SEEK_HEAD, SILENT_TRACKS, SIMPLE_BLOCK, TAGS, TIMESTAMP, TRACKS, VOID,
};
use crate::container::index_unusable::IndexUnusable;

/// The longest header of an element, and what is looked at behind it: a number of eight bytes, or the
/// beginning of a block and the first byte of its frame.
pub(super) const LOOKED_AT: u64 = 12 + 12;

/// Flags of a block.
const KEYFRAME: u8 = 0x80;
const INVISIBLE: u8 = 0x08;
const LACING: u8 = 0x06;

/// A block of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) track: u64,
    /// In the segment's ticks.
    pub(super) time: i64,
    pub(super) is_key: bool,
    pub(super) is_invisible: bool,
    /// Whether more than one frame is in it.
    pub(super) is_laced: bool,
    /// Where its frame begins in the file, and how long it is.
    pub(super) offset: u64,
    pub(super) size: u64,
    /// The frame's first byte, if it has one.
    pub(super) first: Option<u8>,
}

/// What the walk met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// A block.
    Block(Block),
    /// Something of no interest.
    Other,
    /// The end of the segment.
    End,
}

/// A walk over a segment's clusters.
#[derive(Clone, Debug)]
pub(super) struct BlockWalk {
    /// Where the next element begins.
    at: u64,
    /// Where the segment ends.
    end: u64,
    cluster: Option<Cluster>,
    group: Option<Group>,
}

#[derive(Clone, Copy, Debug)]
struct Cluster {
    /// `None` for the unknown size of a live recording.
    end: Option<u64>,
    time: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    end: u64,
    block: Option<Block>,
    has_reference: bool,
    has_state: bool,
}

impl BlockWalk {
    /// From the element at `at` on, a child of a segment that ends at `end`.
    pub(super) fn new(at: u64, end: u64) -> Self {
        Self {
            at,
            end,
            cluster: None,
            group: None,
        }
    }

    /// From where on it wants to see [`LOOKED_AT`] bytes, or all up to the segment's end.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Whether it stands between two clusters.
    pub(super) fn is_between_clusters(&self) -> bool {
        self.cluster.is_none()
    }

    /// Goes one element further. `bytes` are those from [`at`](Self::at) on.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Result<Met, IndexUnusable> {
        let bytes = &bytes[..bytes
            .len()
            .min(usize::try_from(LOOKED_AT).unwrap_or(usize::MAX))];
        if let Some(group) = self.group
            && self.at >= group.end
        {
            return self.end_group(group);
        }
        if let Some(end) = self.cluster.and_then(|cluster| cluster.end)
            && self.at >= end
        {
            self.cluster = None;
            return Ok(Met::Other);
        }
        if self.at >= self.end {
            return Ok(Met::End);
        }
        let found = header(bytes).ok_or_else(|| broken("an element"))?;
        let data_at = self.at + found.length as u64;
        let data = &bytes[found.length..];
        let level_end = self.group.map(|group| group.end);
        let level_end = level_end.or(self.cluster.and_then(|cluster| cluster.end));
        let data_end = match found.size {
            Some(size) => {
                let end = data_at.checked_add(size);
                let end = end.filter(|&end| end <= level_end.unwrap_or(self.end));
                Some(end.ok_or(IndexUnusable::OutOfRange)?)
            }
            None => None,
        };
        if self.cluster.is_none() {
            return self.between_clusters(found.id, data_at, data_end);
        }
        if self.group.is_some() {
            let end = data_end.ok_or_else(|| broken("BlockGroup"))?;
            return self.in_group(found.id, data_at..end, data);
        }
        self.in_cluster(found.id, data_at, data_end, data)
    }

    fn between_clusters(
        &mut self,
        id: u32,
        data_at: u64,
        data_end: Option<u64>,
    ) -> Result<Met, IndexUnusable> {
        match (id, data_end) {
            (CLUSTER, end) => {
                self.cluster = Some(Cluster { end, time: None });
                self.at = data_at;
            }
            (
                CUES | TAGS | CHAPTERS | SEEK_HEAD | INFO | TRACKS | ATTACHMENTS | VOID | CRC_32,
                Some(end),
            ) => self.at = end,
            _ => return Err(broken("Segment")),
        }
        Ok(Met::Other)
    }

    fn in_cluster(
        &mut self,
        id: u32,
        data_at: u64,
        data_end: Option<u64>,
        data: &[u8],
    ) -> Result<Met, IndexUnusable> {
        let broken = || broken("Cluster");
        if let (CLUSTER | CUES | TAGS | CHAPTERS | SEEK_HEAD | INFO | TRACKS | ATTACHMENTS, None) =
            (id, self.cluster.and_then(|cluster| cluster.end))
        {
            // What cannot be in a cluster ends one of unknown size.
            self.cluster = None;
            return Ok(Met::Other);
        }
        let end = data_end.ok_or_else(broken)?;
        match id {
            TIMESTAMP => {
                let length = usize::try_from(end - data_at).unwrap_or(usize::MAX);
                let time = data.get(..length).and_then(number);
                let time = time.and_then(|time| i64::try_from(time).ok());
                let time = time.filter(|&time| time < 1 << 40).ok_or_else(broken)?;
                if let Some(cluster) = &mut self.cluster {
                    cluster.time = Some(time);
                }
            }
            SIMPLE_BLOCK => {
                let (block, flags) = self.block(data_at..end, data)?;
                self.at = end;
                return Ok(Met::Block(Block {
                    is_key: flags & KEYFRAME != 0,
                    ..block
                }));
            }
            BLOCK_GROUP => {
                self.group = Some(Group {
                    end,
                    block: None,
                    has_reference: false,
                    has_state: false,
                });
                self.at = data_at;
                return Ok(Met::Other);
            }
            POSITION | PREV_SIZE | SILENT_TRACKS | VOID | CRC_32 => {}
            _ => return Err(broken()),
        }
        self.at = end;
        Ok(Met::Other)
    }

    fn in_group(
        &mut self,
        id: u32,
        place: std::ops::Range<u64>,
        data: &[u8],
    ) -> Result<Met, IndexUnusable> {
        let end = place.end;
        let block = match id {
            BLOCK => Some(self.block(place, data)?.0),
            _ => None,
        };
        let group = self.group.as_mut().ok_or_else(|| broken("BlockGroup"))?;
        match id {
            BLOCK if group.block.is_none() => group.block = block,
            REFERENCE_BLOCK => group.has_reference = true,
            // Padding is discarded of sound only.
            BLOCK_DURATION | REFERENCE_PRIORITY | BLOCK_ADDITIONS | DISCARD_PADDING | VOID
            | CRC_32 => {}
            // A new state of the codec, or something that is not known.
            _ => group.has_state = true,
        }
        self.at = end;
        Ok(Met::Other)
    }

    fn end_group(&mut self, group: Group) -> Result<Met, IndexUnusable> {
        self.group = None;
        match group.block {
            Some(block) if !group.has_state => Ok(Met::Block(Block {
                is_key: !group.has_reference,
                ..block
            })),
            _ => Err(broken("BlockGroup")),
        }
    }

    /// A block whose data are at `place`, of which `data` are the first; and its flags.
    fn block(
        &self,
        place: std::ops::Range<u64>,
        data: &[u8],
    ) -> Result<(Block, u8), IndexUnusable> {
        let broken = || broken("Block");
        let length = data.first().ok_or_else(broken)?.leading_zeros() as usize + 1;
        let track = data.get(..length).filter(|_| length <= 8);
        let track = track.and_then(number).ok_or_else(broken)? & ((1 << (7 * length)) - 1);
        let Some(&[high, low, flags]) = data.get(length..length + 3) else {
            return Err(broken());
        };
        let offset = place.start + length as u64 + 3;
        let size = place.end.checked_sub(offset).ok_or_else(broken)?;
        let cluster = self.cluster.and_then(|cluster| cluster.time);
        let time = cluster.ok_or_else(broken)? + i64::from(i16::from_be_bytes([high, low]));
        let block = Block {
            track,
            time,
            is_key: false,
            is_invisible: flags & INVISIBLE != 0,
            is_laced: flags & LACING != 0,
            offset,
            size,
            first: data.get(length + 3).copied().filter(|_| size > 0),
        };
        Ok((block, flags))
    }
}

fn broken(what: &str) -> IndexUnusable {
    IndexUnusable::inconsistent(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(bytes: &[u8]) -> Result<Vec<Block>, IndexUnusable> {
        let mut walk = BlockWalk::new(0, bytes.len() as u64);
        let mut blocks = Vec::new();
        loop {
            let at = usize::try_from(walk.at()).expect("it fits");
            match walk.step(&bytes[at..])? {
                Met::Block(block) => blocks.push(block),
                Met::Other => {}
                Met::End => return Ok(blocks),
            }
        }
    }

    /// A cluster at 1000 ticks, whose size is known or not.
    fn cluster(size: bool) -> Vec<u8> {
        let children = [
            &[0xe7, 0x82, 3, 0xe8][..],
            // A keyframe of track 1 with three bytes, and one of track 2 that is none.
            &[0xa3, 0x87, 0x81, 0, 0, 0x80, 7, 8, 9],
            &[0xa3, 0x84, 0x82, 0xff, 0xff, 0],
            // In a group: with a reference, then without one.
            &[0xa0, 0x8a, 0xa1, 0x85, 0x81, 0, 5, 0, 6, 0xfb, 0x81, 0xff],
            &[0xa0, 0x87, 0xa1, 0x85, 0x81, 0, 9, 8, 6],
        ]
        .concat();
        let size = if size {
            0x80 | u8::try_from(children.len()).expect("small")
        } else {
            0xff
        };
        [&[0x1f, 0x43, 0xb6, 0x75, size][..], &children].concat()
    }

    #[test]
    fn blocks_are_told_with_their_times() {
        for size in [true, false] {
            // Followed by another one.
            let bytes = [cluster(size), cluster(size)].concat();
            let blocks = walk(&bytes).expect("clusters");
            let told: Vec<_> = blocks[..4]
                .iter()
                .map(|block| {
                    (
                        block.track,
                        block.time,
                        block.is_key,
                        block.size,
                        block.first,
                    )
                })
                .collect();
            assert_eq!(
                told,
                [
                    (1, 1000, true, 3, Some(7)),
                    (2, 999, false, 0, None),
                    (1, 1005, false, 1, Some(6)),
                    (1, 1009, true, 1, Some(6)),
                ]
            );
            assert_eq!(blocks[0].offset, 5 + 4 + 6);
            assert!(blocks[3].is_invisible);
            assert_eq!(blocks.len(), 8);
        }
    }

    #[test]
    fn what_is_not_known_or_too_long_is_refused() {
        let whole = cluster(true);
        for length in 1..whole.len() {
            walk(&whole[..length]).expect_err("it is cut");
        }
        let mut unknown = cluster(false);
        unknown[9] = 0xa4;
        walk(&unknown).expect_err("an element that is not known");
        let mut long = cluster(true);
        long[10] = 0xfe;
        assert_eq!(walk(&long), Err(IndexUnusable::OutOfRange));
    }
}
