//! Tables that say anything, in boxes that are well formed: index, plan, and the remuxing of it.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use fotograma_engine::{Mode, Options, fuzzing};
use libfuzzer_sys::fuzz_target;

/// What the tables and the options say.
#[derive(Arbitrary, Debug)]
struct Case {
    /// Whether the tables agree with each other, so that it comes to a plan.
    honest: bool,
    codec: u8,
    timescale: u32,
    movie_timescale: u32,
    edits: Vec<(u32, i32)>,
    durations: Vec<(u8, u16)>,
    composition_offsets: Vec<(u8, i16)>,
    runs: Vec<(u8, u8)>,
    sizes: Vec<u16>,
    same_size: Option<(u16, u32)>,
    chunks: Vec<u16>,
    syncs: Option<Vec<u8>>,
    every: u16,
    from: u16,
    keyframe: bool,
    piece: u16,
    data: Vec<u8>,
}

/// Lengths of the longest file that is made up, in bytes.
const FILE: u64 = 1 << 18;

impl Case {
    /// Makes all tables speak of as many samples as there are sizes, a chunk for each, in order.
    fn agree(&mut self) {
        self.same_size = None;
        self.timescale = self.timescale % 90_000 + 1;
        self.movie_timescale = self.movie_timescale % 90_000 + 1;
        self.edits.truncate(1);
        let count = self.sizes.len();
        spread(&mut self.durations, count);
        if !self.composition_offsets.is_empty() {
            spread(&mut self.composition_offsets, count);
        }
        self.runs = vec![(1, 1)];
        self.chunks.resize(count, 1);
        let mut offset = 0_u16;
        for (chunk, size) in self.chunks.iter_mut().zip(&mut self.sizes) {
            *size %= 64;
            offset = offset.saturating_add(*chunk % 4096);
            *chunk = offset;
            // Chunk offsets are written in words.
            offset = offset.saturating_add(*size / 4 + 1);
        }
        if let Some(syncs) = &mut self.syncs {
            syncs.push(1);
            syncs.sort_unstable();
            syncs.dedup();
            syncs.retain(|&number| number > 0 && usize::from(number) <= count);
        }
    }
}

/// Makes `rows` count `count` samples.
fn spread<T: Copy + Default>(rows: &mut Vec<(u8, T)>, count: usize) {
    let mut rest = count;
    for row in rows.iter_mut() {
        row.0 = u8::try_from(rest.min(row.0.into())).unwrap_or(u8::MAX);
        rest -= usize::from(row.0);
    }
    while rest > 0 {
        let some = u8::try_from(rest).unwrap_or(u8::MAX);
        rows.push((some, rows.last().map_or(T::default(), |last| last.1)));
        rest -= usize::from(some);
    }
}

fuzz_target!(|case: Case| {
    let mut case = case;
    if case.honest {
        case.agree();
    }
    let options = Options {
        every: Duration::from_millis(u64::from(case.every) + 1),
        from: Some(Duration::from_millis(case.from.into())),
        mode: if case.keyframe {
            Mode::Keyframe
        } else {
            Mode::Exact
        },
        ..Options::default()
    };
    let piece = u64::from(case.piece).max(64);
    fuzzing::plan(moov(&case), FILE, &options, piece, &case.data);
});

fn moov(case: &Case) -> Vec<u8> {
    let mvhd = full(b"mvhd", &words(&[0, 0, case.movie_timescale, 1000]));
    let mut tkhd = vec![0; 80];
    tkhd[11] = 1;
    let mdhd = full(b"mdhd", &words(&[0, 0, case.timescale, 0, 0]));
    let hdlr = full(b"hdlr", b"\0\0\0\0vide\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let url = full(b"url ", &[]);
    let url = [&url[..11], &[1], &url[12..]].concat();
    let dref = full(b"dref", &[words(&[1]), url].concat());
    let stbl = plain(b"stbl", &tables(case).concat());
    let minf = plain(b"minf", &[plain(b"dinf", &dref), stbl].concat());
    let mdia = plain(b"mdia", &[mdhd, hdlr, minf].concat());
    let edits: Vec<u32> = case
        .edits
        .iter()
        .flat_map(|&(duration, start)| [duration, start.cast_unsigned(), 1 << 16])
        .collect();
    let elst = full(b"elst", &counted(case.edits.len(), &edits));
    let trak = [full(b"tkhd", &tkhd), plain(b"edts", &elst), mdia].concat();
    plain(b"moov", &[mvhd, plain(b"trak", &trak)].concat())
}

fn tables(case: &Case) -> Vec<Vec<u8>> {
    let (kind, config): (&[u8; 4], _) = match case.codec % 5 {
        0 => (b"avc1", plain(b"avcC", &[1, 0, 0, 0, case.codec])),
        1 => (b"hvc1", plain(b"hvcC", &[case.codec; 22])),
        2 => (b"vp09", Vec::new()),
        3 => (b"av01", Vec::new()),
        _ => (b"jpeg", Vec::new()),
    };
    let entry = plain(kind, &[vec![0; 78], config].concat());
    let durations: Vec<u32> = case
        .durations
        .iter()
        .flat_map(|&(n, t)| [n.into(), t.into()])
        .collect();
    let composition_offsets: Vec<u32> = case
        .composition_offsets
        .iter()
        .flat_map(|&(n, t)| [n.into(), i32::from(t).cast_unsigned()])
        .collect();
    let runs: Vec<u32> = case
        .runs
        .iter()
        .flat_map(|&(a, b)| [a.into(), b.into(), 1])
        .collect();
    let sizes: Vec<u32> = case.sizes.iter().map(|&size| size.into()).collect();
    let chunks: Vec<u32> = case
        .chunks
        .iter()
        .map(|&chunk| u32::from(chunk) * 4)
        .collect();
    let stsz = match case.same_size {
        Some((size, count)) => words(&[size.into(), count]),
        None => [words(&[0]), counted(sizes.len(), &sizes)].concat(),
    };
    let mut tables = vec![
        full(b"stsd", &[words(&[1]), entry].concat()),
        full(b"stts", &counted(case.durations.len(), &durations)),
        full(b"stsc", &counted(case.runs.len(), &runs)),
        full(b"stsz", &stsz),
        full(b"stco", &counted(chunks.len(), &chunks)),
    ];
    if !case.composition_offsets.is_empty() {
        tables.push(full(
            b"ctts",
            &counted(case.composition_offsets.len(), &composition_offsets),
        ));
    }
    if let Some(syncs) = &case.syncs {
        let numbers: Vec<u32> = syncs.iter().map(|&number| number.into()).collect();
        tables.push(full(b"stss", &counted(numbers.len(), &numbers)));
    }
    tables
}

fn counted(count: usize, rows: &[u32]) -> Vec<u8> {
    [
        words(&[u32::try_from(count).unwrap_or(u32::MAX)]),
        words(rows),
    ]
    .concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn full(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    plain(kind, &[&[0; 4], payload].concat())
}

fn plain(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len() + 8).unwrap_or(u32::MAX);
    [&len.to_be_bytes()[..], kind, payload].concat()
}
