//! A zip written from front to back: whole stored entries, then one directory.
//!
//! Images do not get smaller by deflating, and an entry whose size and checksum stand in front
//! of it is read by every reader, where one with a data descriptor is not. The entries know
//! nothing of each other, so that those of several writers can be laid end to end under one
//! directory. The format is PKWARE's APPNOTE 6.3.10; section numbers below are its.

use bytes::{BufMut, Bytes, BytesMut};

/// What does not fit into 16 or 32 bits is written as all ones, and apart in a zip64 field.
const WIDE_16: u16 = u16::MAX;
const WIDE_32: u32 = u32::MAX;

/// "2.0" for stored files in folders, "4.5" for zip64 (4.4.3.2).
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;

/// Made on Unix (4.4.2), where the upper half of the external attributes is the file's mode:
/// a regular file, rw-r--r--.
const MADE_BY_UNIX: u16 = 3 << 8;
const MODE: u32 = 0o100_644 << 16;

/// Names are UTF-8 (4.4.4, bit 11).
const UTF8: u16 = 1 << 11;

/// A time as MS-DOS keeps it: local, from 1980, in steps of two seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DosTime {
    time: u16,
    date: u16,
}

impl DosTime {
    /// From seconds since 1970 (UTC), clamped to what can be said.
    pub(crate) fn from_unix(seconds: u64) -> Self {
        const DAY: u64 = 86_400;
        let first = 3652 * DAY;
        let last = 50_403 * DAY - 2;
        let seconds = seconds.clamp(first, last);
        let (year, month, day) = civil(seconds / DAY);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let bits = |value: u64| u16::try_from(value).unwrap_or(0);
        Self {
            time: bits((hour << 11) | (minute << 5) | (second / 2)),
            date: bits(((year - 1980) << 9) | (month << 5) | day),
        }
    }
}

/// Year, month and day of a day since 1970; Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, day)
}

/// What the directory says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: Box<str>,
    checksum: u32,
    size: u32,
    offset: u64,
}

/// The state of a zip that is being written.
#[derive(Debug)]
pub(crate) struct Zip {
    time: DosTime,
    offset: u64,
    entries: Vec<Entry>,
}

impl Zip {
    /// A zip whose entries all carry `time`.
    pub(crate) fn new(time: DosTime) -> Self {
        Self {
            time,
            offset: 0,
            entries: Vec::new(),
        }
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> u64 {
        self.offset
    }

    /// Size and CRC-32 of the `index`th entry.
    pub(crate) fn entry(&self, index: usize) -> Option<(u32, u32)> {
        self.entries.get(index).map(|e| (e.size, e.checksum))
    }

    /// The bytes of one more entry: its header (4.3.7) and its data. `None` if the data is
    /// larger than 4 GiB, which no image is.
    pub(crate) fn add(&mut self, name: &str, data: &[u8]) -> Option<Bytes> {
        let size = u32::try_from(data.len())
            .ok()
            .filter(|&size| size < WIDE_32)?;
        let checksum = crc32fast::hash(data);
        let mut out = BytesMut::with_capacity(30 + name.len() + data.len());
        out.put_slice(b"PK\x03\x04");
        out.put_u16_le(VERSION);
        self.common(&mut out, name, checksum, size);
        out.put_u16_le(0);
        out.put_slice(name.as_bytes());
        out.put_slice(data);
        self.entries.push(Entry {
            name: name.into(),
            checksum,
            size,
            offset: self.offset,
        });
        self.offset += out.len() as u64;
        Some(out.freeze())
    }

    /// The fields that a local header and a directory header share, up to the name's length.
    fn common(&self, out: &mut BytesMut, name: &str, checksum: u32, size: u32) {
        out.put_u16_le(UTF8);
        out.put_u16_le(0);
        out.put_u16_le(self.time.time);
        out.put_u16_le(self.time.date);
        out.put_u32_le(checksum);
        out.put_u32_le(size);
        out.put_u32_le(size);
        out.put_u16_le(u16::try_from(name.len()).unwrap_or(0));
    }

    /// The directory that ends the zip (4.3.12 to 4.3.16).
    pub(crate) fn finish(&mut self) -> Bytes {
        let start = self.offset;
        let mut out = BytesMut::with_capacity(self.entries.len() * 64 + 98);
        for entry in &self.entries {
            self.directory_header(&mut out, entry);
        }
        let size = out.len() as u64;
        let count = self.entries.len() as u64;
        let short = (
            u16::try_from(count),
            u32::try_from(size),
            u32::try_from(start),
        );
        let fits = short.0.is_ok_and(|n| n < WIDE_16)
            && short.1.is_ok_and(|n| n < WIDE_32)
            && short.2.is_ok_and(|n| n < WIDE_32);
        if !fits {
            zip64_end(&mut out, count, size, start);
        }
        out.put_slice(b"PK\x05\x06");
        out.put_u32_le(0);
        out.put_u16_le(short.0.unwrap_or(WIDE_16));
        out.put_u16_le(short.0.unwrap_or(WIDE_16));
        out.put_u32_le(short.1.unwrap_or(WIDE_32));
        out.put_u32_le(short.2.unwrap_or(WIDE_32));
        out.put_u16_le(0);
        self.offset += out.len() as u64;
        out.freeze()
    }

    fn directory_header(&self, out: &mut BytesMut, entry: &Entry) {
        let offset = u32::try_from(entry.offset)
            .ok()
            .filter(|&offset| offset < WIDE_32);
        let version = if offset.is_some() {
            VERSION
        } else {
            VERSION_ZIP64
        };
        out.put_slice(b"PK\x01\x02");
        out.put_u16_le(MADE_BY_UNIX | version);
        out.put_u16_le(version);
        self.common(out, &entry.name, entry.checksum, entry.size);
        out.put_u16_le(if offset.is_some() { 0 } else { 12 });
        out.put_u16_le(0);
        out.put_u16_le(0);
        out.put_u16_le(0);
        out.put_u32_le(MODE);
        out.put_u32_le(offset.unwrap_or(WIDE_32));
        out.put_slice(entry.name.as_bytes());
        if offset.is_none() {
            out.put_u16_le(1);
            out.put_u16_le(8);
            out.put_u64_le(entry.offset);
        }
    }
}

/// The zip64 end of the directory, and its locator.
fn zip64_end(out: &mut BytesMut, count: u64, size: u64, start: u64) {
    out.put_slice(b"PK\x06\x06");
    out.put_u64_le(44);
    out.put_u16_le(MADE_BY_UNIX | VERSION_ZIP64);
    out.put_u16_le(VERSION_ZIP64);
    out.put_u32_le(0);
    out.put_u32_le(0);
    out.put_u64_le(count);
    out.put_u64_le(count);
    out.put_u64_le(size);
    out.put_u64_le(start);
    out.put_slice(b"PK\x06\x07");
    out.put_u32_le(0);
    out.put_u64_le(start + size);
    out.put_u32_le(1);
}

#[cfg(test)]
mod tests;
