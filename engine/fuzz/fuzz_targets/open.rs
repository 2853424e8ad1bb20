//! A file of any bytes, as an object of which parts are asked for: its container is told, its
//! index found, be it in front, at the end or in fragments, and a plan made.

#![no_main]

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_engine::{Options, Source, SourceError, plan};
use libfuzzer_sys::fuzz_target;

struct Memory(Bytes);

#[async_trait]
impl Source for Memory {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        assert!(
            range.start <= range.end && range.end <= self.len(),
            "{range:?}"
        );
        Ok(self.0.slice(range.start as usize..range.end as usize))
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((every, file)) = data.split_first_chunk::<2>() else {
        return;
    };
    let options = Options {
        every: Duration::from_millis(u64::from(u16::from_le_bytes(*every)) + 1),
        ..Options::default()
    };
    let source = Memory(Bytes::copy_from_slice(file));
    if let Ok(plan) = futures::executor::block_on(plan(&source, &options)) {
        assert!(plan.ranges.iter().all(|range| range.end <= source.len()));
        assert!(
            plan.ranges
                .windows(2)
                .all(|pair| pair[0].end < pair[1].start)
        );
    }
});
