//! A zip written from front to back: whole stored entries, then one directory.
//!
//! Images do not get smaller by deflating, and an entry whose size and checksum stand in front
//! of it is read by every reader, where one with a data descriptor is not.

use async_zip::base::write::ZipFileWriter;
use async_zip::error::ZipError;
use async_zip::{Compression, ZipDateTime, ZipDateTimeBuilder, ZipEntryBuilder};
use bytes::Bytes;

/// What the owner of an entry may do with it, and others: rw-r--r--, a regular file.
const MODE: u16 = 0o100_644;

/// From seconds since 1970 (UTC) to a time as zips keep it, clamped to what it can say: 1980 to
/// 2107, in steps of two seconds.
fn zip_time(seconds: u64) -> ZipDateTime {
    const DAY: u64 = 86_400;
    let first = 3652 * DAY;
    let last = 50_403 * DAY - 2;
    let seconds = seconds.clamp(first, last);
    let (year, month, day) = calendar_date(seconds / DAY);
    let number = |value: u64| u32::try_from(value).unwrap_or(0);
    ZipDateTimeBuilder::new()
        .year(i32::try_from(year).unwrap_or(0))
        .month(number(month))
        .day(number(day))
        .hour(number(seconds / 3600 % 24))
        .minute(number(seconds / 60 % 60))
        .second(number(seconds % 60))
        .build()
}

/// Year, month and day of a day since 1970; Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn calendar_date(days: u64) -> (u64, u64, u64) {
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

/// A zip that is being written; its bytes are handed out entry by entry.
pub(crate) struct Zip {
    writer: ZipFileWriter<Vec<u8>>,
    time: ZipDateTime,
    written: u64,
}

impl Zip {
    /// A zip whose entries all carry this time, in seconds since 1970 (UTC).
    pub(crate) fn new(modified: u64) -> Self {
        Self {
            writer: ZipFileWriter::new(Vec::new()),
            time: zip_time(modified),
            written: 0,
        }
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> u64 {
        self.written
    }

    /// The bytes of one more entry: its header and its data.
    pub(crate) async fn add(&mut self, name: &str, data: &[u8]) -> Result<Bytes, ZipError> {
        let entry = ZipEntryBuilder::new(name.into(), Compression::Stored)
            .last_modification_date(self.time)
            .unix_permissions(MODE);
        self.writer.write_entry_whole(entry, data).await?;
        let bytes = std::mem::take(self.writer.inner_mut());
        self.written += bytes.len() as u64;
        Ok(bytes.into())
    }

    /// The directory that ends the zip.
    pub(crate) async fn finish(self) -> Result<Bytes, ZipError> {
        Ok(self.writer.close().await?.into())
    }
}

#[cfg(test)]
mod tests;
