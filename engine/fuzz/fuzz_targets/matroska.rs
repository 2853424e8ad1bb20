//! Clusters and lists of keyframes that say anything, behind tracks that are well formed: index and plan.

#![no_main]

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use arbitrary::Arbitrary;
use async_trait::async_trait;
use bytes::Bytes;
use fotograma_engine::{Mode, Options, Source, SourceError, Strategy, plan};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    codec: u8,
    /// Whether the segment says how long it is.
    known_size: bool,
    /// Times and positions of keyframes.
    cues: Vec<(u16, u16)>,
    elements: Vec<Element>,
    every: u16,
    from: u16,
    to: Option<u16>,
    keyframe: bool,
}

#[derive(Arbitrary, Debug)]
enum Element {
    Cluster {
        time: u16,
        blocks: Vec<Block>,
        known_size: bool,
    },
    Bytes(Vec<u8>),
    /// A cluster of any bytes.
    Broken(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Block {
    track: bool,
    time: i16,
    flags: u8,
    group: bool,
    reference: bool,
    data: Vec<u8>,
}

struct Memory {
    bytes: Bytes,
    read: AtomicU64,
}

#[async_trait]
impl Source for Memory {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        assert!(
            range.start <= range.end && range.end <= self.len(),
            "{range:?}"
        );
        self.read.fetch_add(range.end - range.start, Relaxed);
        Ok(self.bytes.slice(range.start as usize..range.end as usize))
    }
}

fuzz_target!(|case: Case| {
    let from = u64::from(case.from);
    let options = Options {
        every: Duration::from_millis(u64::from(case.every) + 1),
        from: Some(Duration::from_millis(from)),
        to: case
            .to
            .map(|to| Duration::from_millis(from + u64::from(to) + 1)),
        mode: if case.keyframe {
            Mode::Keyframe
        } else {
            Mode::Exact
        },
        ..Options::default()
    };
    let source = Memory {
        bytes: file(&case).into(),
        read: AtomicU64::new(0),
    };
    let planned = futures::executor::block_on(plan(&source, &options));
    // Head and list once each, the beginning once, all clusters twice, and the ends of pieces.
    let read = source.read.load(Relaxed);
    assert!(
        read <= source.len() * 6 + (1 << 16),
        "{read} of {}",
        source.len()
    );
    let Ok(plan) = planned else { return };
    assert!(plan.ranges.iter().all(|range| range.end <= source.len()));
    assert!(
        plan.ranges
            .windows(2)
            .all(|pair| pair[0].end < pair[1].start)
    );
    if plan.strategy == Strategy::Indexed {
        let runs = plan.gop_runs.windows(2);
        assert!(
            runs.into_iter()
                .all(|pair| pair[0].samples.end <= pair[1].samples.start)
        );
        let seconds = plan.targets.windows(2);
        assert!(
            seconds
                .into_iter()
                .all(|pair| pair[0].seconds < pair[1].seconds)
        );
    }
});

fn file(case: &Case) -> Vec<u8> {
    let (codec, private): (&[u8], &[u8]) = match case.codec % 4 {
        0 => (b"V_MPEG4/ISO/AVC", &[1, 0, 0, 0, 3]),
        1 => (b"V_VP8", &[]),
        2 => (b"V_VP9", &[]),
        _ => (b"V_AV1", &[0x81, 0, 0, 0]),
    };
    let video = [element(&[0xb0], &[64]), element(&[0xba], &[48])].concat();
    let track = [
        element(&[0xd7], &[1]),
        element(&[0x83], &[1]),
        element(&[0x86], codec),
        element(&[0x63, 0xa2], private),
        element(&[0xe0], &video),
    ];
    let cues = case.cues.iter().flat_map(|&(time, position)| {
        let positions = [
            element(&[0xf7], &[1]),
            element(&[0xf1], &position.to_be_bytes()),
        ];
        let time = element(&[0xb3], &time.to_be_bytes());
        element(
            &[0xbb],
            &[time, element(&[0xb7], &positions.concat())].concat(),
        )
    });
    let mut segment = [
        element(&[0x15, 0x49, 0xa9, 0x66], &[]),
        element(
            &[0x16, 0x54, 0xae, 0x6b],
            &element(&[0xae], &track.concat()),
        ),
        element(&[0x1c, 0x53, 0xbb, 0x6b], &cues.collect::<Vec<u8>>()),
    ]
    .concat();
    for part in &case.elements {
        segment.extend(match part {
            Element::Cluster {
                time,
                blocks,
                known_size,
            } => {
                let mut data = element(&[0xe7], &time.to_be_bytes());
                data.extend(blocks.iter().flat_map(block));
                sized(&[0x1f, 0x43, 0xb6, 0x75], &data, *known_size)
            }
            Element::Bytes(bytes) => bytes.clone(),
            Element::Broken(bytes) => element(&[0x1f, 0x43, 0xb6, 0x75], bytes),
        });
    }
    let head = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm"));
    [
        head,
        sized(&[0x18, 0x53, 0x80, 0x67], &segment, case.known_size),
    ]
    .concat()
}

fn block(block: &Block) -> Vec<u8> {
    let [high, low] = block.time.to_be_bytes();
    let track = if block.track { 0x82 } else { 0x81 };
    let data = [&[track, high, low, block.flags], &block.data[..]].concat();
    if !block.group {
        return element(&[0xa3], &data);
    }
    let reference = if block.reference {
        element(&[0xfb], &[0xff])
    } else {
        Vec::new()
    };
    element(&[0xa0], &[element(&[0xa1], &data), reference].concat())
}

fn element(id: &[u8], data: &[u8]) -> Vec<u8> {
    sized(id, data, true)
}

fn sized(id: &[u8], data: &[u8], known: bool) -> Vec<u8> {
    let size = if known {
        data.len() as u64 | 1 << 56
    } else {
        u64::MAX >> 7
    };
    [id, &size.to_be_bytes(), data].concat()
}
