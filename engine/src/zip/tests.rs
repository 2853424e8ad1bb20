use std::io::{Cursor, Read, Seek, SeekFrom};

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

#[test]
fn an_entry_has_its_size_and_checksum_in_front() {
    let mut zip = Zip::new(DosTime::from_unix(0));
    let entry = zip.add("a.jpg", b"hello").expect("it is small");
    let expected = [
        b"PK\x03\x04".as_slice(),
        &[20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0], // version, UTF-8, stored, 1980-01-01 00:00:00
        &0x3610_a686_u32.to_le_bytes(),
        &[5, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0],
        b"a.jpghello",
    ];
    assert_eq!(entry, expected.concat());
    assert_eq!(zip.entry(0), Some((5, 0x3610_a686)));
    assert_eq!(zip.len(), entry.len() as u64);
}

#[test]
fn beyond_four_gigabytes_it_is_zip64() {
    let mut zip = Zip::new(DosTime::from_unix(0));
    let mut first = zip.add("first", b"1").expect("it is small").to_vec();
    // As if five gigabytes of entries had been written.
    let before = 5 << 30;
    zip.offset = before;
    first.clear();
    first.extend(zip.add("second", b"2").expect("it is small"));
    first.extend(zip.finish());
    let file = Sparse {
        before,
        end: Cursor::new(first.into()),
        at: 0,
    };
    let mut archive = zip::ZipArchive::new(file).expect("a zip64");
    assert_eq!(archive.len(), 2);
    let mut text = String::new();
    let mut entry = archive.by_index(1).expect("the second");
    entry.read_to_string(&mut text).expect("its checksum holds");
    assert_eq!((text.as_str(), entry.header_start()), ("2", before));
}

#[test]
fn beyond_65535_entries_it_is_zip64() {
    let mut zip = Zip::new(DosTime::from_unix(0));
    let mut bytes = Vec::new();
    for n in 0..65_536 {
        bytes.extend(zip.add(&n.to_string(), b"").expect("it is small"));
    }
    bytes.extend(zip.finish());
    let archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip64");
    assert_eq!(archive.len(), 65_536);
    assert!(archive.index_for_name("65535").is_some());
}

/// 23:59:58
const LAST_MOMENT: u16 = (23 << 11) | (59 << 5) | 0x1d;

#[test]
fn times_are_those_of_the_calendar() {
    let dos = |seconds| DosTime::from_unix(seconds);
    let fields = |t: DosTime| (1980 + (t.date >> 9), t.date >> 5 & 15, t.date & 31, t.time);
    assert_eq!(fields(dos(0)), (1980, 1, 1, 0));
    // 2024-02-29 23:59:58
    assert_eq!(fields(dos(1_709_251_198)), (2024, 2, 29, LAST_MOMENT));
    assert_eq!(fields(dos(u64::MAX)), (2107, 12, 31, LAST_MOMENT));
}
