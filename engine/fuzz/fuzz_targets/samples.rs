//! The bytes of a sample, whatever its codec, and fragments of any samples.

#![no_main]

use arbitrary::Arbitrary;
use fotograma_engine::{CodecFamily, fuzzing};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    family: u8,
    length_size: u8,
    layers: u8,
    fragment: Vec<(u16, u32, i32, bool)>,
    data: Vec<u8>,
}

fuzz_target!(|case: Case| {
    let length_size = case.length_size;
    let family = match case.family % 7 {
        0 => CodecFamily::H264 { length_size },
        1 => CodecFamily::Hevc {
            length_size,
            layers: case.layers,
        },
        2 => CodecFamily::Vp9,
        3 => CodecFamily::Av1,
        4 => CodecFamily::Mpeg4,
        5 => CodecFamily::Vp8,
        _ => CodecFamily::Intra,
    };
    fuzzing::sample(family, case.data);
    fuzzing::fragment(&case.fragment);
});
