//! The bytes of a sample, whatever its codec, and fragments of any entries.

#![no_main]

use arbitrary::Arbitrary;
use fotograma_engine::fragment::{Entry, fragment};
use fotograma_engine::index::Family;
use fotograma_engine::picture::{Start, cut, disposable, start};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    family: u8,
    length_size: u8,
    layers: u8,
    entries: Vec<(u16, u32, i32, bool)>,
    data: Vec<u8>,
}

fuzz_target!(|case: Case| {
    let length_size = case.length_size;
    let family = match case.family % 6 {
        0 => Family::H264 { length_size },
        1 => Family::Hevc {
            length_size,
            layers: case.layers,
        },
        2 => Family::Vp9,
        3 => Family::Av1,
        4 => Family::Mpeg4,
        _ => Family::Intra,
    };
    let mut data = case.data;
    let at = start(family, &data);
    let _ = disposable(family, &data);
    cut(family, &mut data);
    if at == Start::Cut {
        assert_eq!(start(family, &data), Start::Clean);
    }
    let mut dts = 0_i64;
    let entries: Vec<Entry> = case
        .entries
        .iter()
        .map(|&(size, later, shift, sync)| {
            dts += i64::from(later);
            Entry {
                size: size.into(),
                dts,
                pts: dts + i64::from(shift),
                sync,
            }
        })
        .collect();
    let written = fragment(1, 1, &entries);
    assert!(written.ends_with(b"mdat"));
});
