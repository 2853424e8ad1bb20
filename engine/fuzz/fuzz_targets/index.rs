//! A `moov` box of any bytes, and a file of any bytes in which one is looked for.

#![no_main]

use bytes::Bytes;
use fotograma_engine::index::{Step, locate, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((file_len, data)) = data.split_first_chunk::<4>() else {
        return;
    };
    let file_len = u64::from(u32::from_le_bytes(*file_len));
    let file = data.len() as u64;
    let mut at = 0;
    while let Ok(Step::Look(next)) = locate(&data[at as usize..], at, file) {
        if next <= at || next > file {
            break;
        }
        at = next;
    }
    if let Ok(Step::Found(range)) = locate(&data[at as usize..], at, file) {
        assert!(range.start < range.end && range.end <= file);
    }
    let moov = Bytes::copy_from_slice(data);
    if let Ok(index) = parse(Bytes::new(), &moov, file_len) {
        let bound = data.len() as u64 + file_len;
        assert!(index.samples.len() as u64 <= bound);
        assert!(index.samples.iter().all(|sample| sample.end() <= file_len));
    }
});
