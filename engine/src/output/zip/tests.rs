use std::io::{Cursor, Read, Seek, SeekFrom};

use async_zip::base::read1::ZipOptions;
use async_zip::base::read1::seek::ZipArchiveReader;
use futures::AsyncReadExt;
use futures::io::Cursor as AsyncCursor;

use super::*;

/// A zip of which only the end is there: reading before it gives zeros.
struct Sparse {
    before: u64,
    end: Cursor<Bytes>,
    at: u64,
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(within) = self.at.checked_sub(self.before) else {
            let zeros = usize::try_from(self.before - self.at).unwrap_or(usize::MAX);
            let count = zeros.min(buffer.len());
            buffer[..count].fill(0);
            self.at += count as u64;
            return Ok(count);
        };
        self.end.set_position(within);
        let count = self.end.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let length = self.before + self.end.get_ref().len() as u64;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(std::io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[tokio::test]
async fn an_entry_has_its_size_and_checksum_in_front() {
    let mut zip = Zip::new(0);
    let entry = zip.add("a.jpg", b"hello").await.expect("it is small");
    let version = entry[4];
    let expected = [
        b"PK\x03\x04".as_slice(),
        &[version, 0, 0, 8, 0, 0, 0, 0, 0x21, 0], // UTF-8, stored, 1980-01-01 00:00:00
        &0x3610_a686_u32.to_le_bytes(),
        &[5, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0],
        b"a.jpghello",
    ];
    assert_eq!(entry, expected.concat());
    assert!(version <= 20, "stored files need version 2.0 at most");
    assert_eq!(zip.len(), entry.len() as u64);
}

#[tokio::test]
async fn beyond_four_gigabytes_it_is_zip64() {
    let mut zip = Zip::new(0);
    let slab = vec![0; 256 << 20];
    let mut before = 0;
    while before <= 4 << 30 {
        let bytes = zip.add(&format!("at {before}"), &slab).await;
        before += bytes.expect("an entry").len() as u64;
    }
    let mut end = zip.add("last", b"2").await.expect("it is small").to_vec();
    end.extend(zip.finish().await.expect("a directory"));
    let file = Sparse {
        before,
        end: Cursor::new(end.into()),
        at: 0,
    };
    let mut archive = zip::ZipArchive::new(file).expect("a zip64");
    let mut text = String::new();
    let mut entry = archive.by_name("last").expect("the last");
    entry.read_to_string(&mut text).expect("its checksum holds");
    assert_eq!((text.as_str(), entry.header_start()), ("2", before));
}

#[tokio::test]
async fn beyond_65535_entries_it_is_zip64() {
    let mut zip = Zip::new(0);
    let mut bytes = Vec::new();
    for n in 0..65_536 {
        bytes.extend(zip.add(&n.to_string(), b"").await.expect("it is small"));
    }
    bytes.extend(zip.finish().await.expect("a directory"));
    let archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip64");
    assert_eq!(archive.len(), 65_536);
    assert!(archive.index_for_name("65535").is_some());
}

#[test]
fn times_are_those_of_the_calendar() {
    let fields = |seconds| {
        let time = zip_time(seconds);
        let date = (time.year(), time.month(), time.day());
        (date, (time.hour(), time.minute(), time.second()))
    };
    assert_eq!(fields(0), ((1980, 1, 1), (0, 0, 0)));
    assert_eq!(fields(1_709_251_198), ((2024, 2, 29), (23, 59, 58)));
    assert_eq!(fields(u64::MAX), ((2107, 12, 31), (23, 59, 58)));
}

#[tokio::test]
async fn a_reader_that_believes_nothing_reads_it() {
    let mut zip = Zip::new(1_700_000_000);
    let mut bytes = zip.add("a.jpg", b"hello").await.expect("an entry").to_vec();
    bytes.extend(zip.add("frames.csv", b"file\n").await.expect("an entry"));
    bytes.extend(zip.finish().await.expect("a directory"));
    let reader = AsyncCursor::new(bytes);
    let archive = ZipArchiveReader::open_with_options(reader, ZipOptions::untrusted()).await;
    let mut archive = archive.expect("headers and directory agree");
    for (at, expected) in ["hello", "file\n"].into_iter().enumerate() {
        let mut text = String::new();
        let mut file = archive.file(at).await.expect("an entry");
        let read = file.read_to_string(&mut text).await;
        read.expect("its checksum holds");
        assert_eq!(text, expected);
    }
}
