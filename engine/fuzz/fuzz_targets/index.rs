//! A `moov` box of any bytes, and a file of any bytes in which one is looked for.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((file_len, data)) = data.split_first_chunk::<4>() {
        fotograma_engine::fuzzing::index(data, u32::from_le_bytes(*file_len).into());
    }
});
