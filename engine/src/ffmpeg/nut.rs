//! Pictures and their times out of one stream: NUT (<https://ffmpeg.org/nut.html>), as far as
//! ffmpeg writes it into a pipe.
//!
//! NUT carries any codec, and times of any time base, exactly.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much more is read at once, in bytes.
const CHUNK: usize = 64 << 10;

const ID: &[u8] = b"nut/multimedia container\0";

/// First byte of all start codes; no frame begins with it.
const N: u8 = b'N';

/// Start codes of packets.
const MAIN: u64 = 0x4E4D_7A56_1F5F_04AD;
const STREAM: u64 = 0x4E53_1140_5BF2_F9DB;
const SYNCPOINT: u64 = 0x4E4B_E4AD_EECA_4569;

/// A packet longer than this has a checksum behind its length.
const SHORT_PACKET: u64 = 4096;

/// The most bytes of a packet that is no frame: headers have some hundreds.
const MAX_PACKET: u64 = 1 << 20;

/// A frame larger than this has no elided header.
const MAX_ELIDED_FRAME: u64 = 4096;

/// Flags of a frame.
const FLAG_CODED_PTS: u64 = 1 << 3;
const FLAG_STREAM_ID: u64 = 1 << 4;
const FLAG_SIZE_MSB: u64 = 1 << 5;
const FLAG_CHECKSUM: u64 = 1 << 6;
const FLAG_RESERVED: u64 = 1 << 7;
const FLAG_SM_DATA: u64 = 1 << 8;
const FLAG_HEADER_IDX: u64 = 1 << 10;
const FLAG_MATCH_TIME: u64 = 1 << 11;
const FLAG_CODED: u64 = 1 << 12;
const FLAG_INVALID: u64 = 1 << 13;

/// A frame of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NutFrame {
    /// The stream's number.
    pub(super) stream: usize,
    /// Its time, in ticks of the stream's time base.
    pub(super) pts: i64,
    pub(super) data: Bytes,
}

/// Why a stream cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum NutError {
    #[error("ffmpeg's output cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It breaks off, or is none.
    #[error("ffmpeg's output is broken ({0})")]
    Broken(&'static str),
}

/// What one code of a frame stands for.
#[derive(Clone, Copy, Debug, Default)]
struct FrameCode {
    flags: u64,
    stream: u64,
    size_mul: u64,
    size_lsb: u64,
    pts_delta: i64,
    reserved: u64,
    header: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    time_base: (u64, u64),
    msb_pts_shift: u32,
    last_pts: i64,
    /// Width and height of its pictures.
    size: (u32, u32),
}

/// Reads the frames of a NUT stream.
#[derive(Debug)]
pub(super) struct NutReader<R> {
    reader: R,
    buffer: BytesMut,
    begun: bool,
    max_frame: u64,
    time_bases: Vec<(u64, u64)>,
    codes: Vec<FrameCode>,
    elided: Vec<Bytes>,
    streams: Vec<Stream>,
}

/// What is at the front of the buffer.
enum Front {
    /// More bytes are needed to tell.
    Cut,
    /// Something of so many bytes that is no frame.
    Packet(usize),
    /// A frame, whose data follow so many bytes of header.
    Frame {
        header: usize,
        size: usize,
        elided: usize,
        stream: usize,
        pts: i64,
    },
}

impl<R: AsyncRead + Unpin> NutReader<R> {
    /// Reads from `reader` frames of `max_frame` bytes at most.
    pub(super) fn new(reader: R, max_frame: u64) -> Self {
        Self {
            reader,
            buffer: BytesMut::new(),
            begun: false,
            max_frame,
            time_bases: Vec::new(),
            codes: Vec::new(),
            elided: Vec::new(),
            streams: Vec::new(),
        }
    }

    /// The next frame; `None` at the end. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<NutFrame>, NutError> {
        loop {
            match self.front()? {
                Front::Packet(length) => {
                    self.buffer.advance(length);
                    continue;
                }
                Front::Frame {
                    header,
                    size,
                    elided,
                    stream,
                    pts,
                } if self.buffer.len() >= header + size => {
                    self.buffer.advance(header);
                    let data = self.buffer.split_to(size).freeze();
                    let data = match self.elided.get(elided) {
                        Some(front) if !front.is_empty() => [&front[..], &data[..]].concat().into(),
                        _ => data,
                    };
                    if let Some(stream) = self.streams.get_mut(stream) {
                        stream.last_pts = pts;
                    }
                    return Ok(Some(NutFrame { stream, pts, data }));
                }
                Front::Frame { header, size, .. } => {
                    self.buffer.reserve(header + size - self.buffer.len());
                }
                Front::Cut => {}
            }
            self.buffer.reserve(CHUNK);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(NutError::Broken("it ends too early"));
            }
        }
    }

    /// Width and height of a stream's pictures; nothing of a stream that has not begun.
    pub(super) fn picture_size(&self, stream: usize) -> (u32, u32) {
        self.streams
            .get(stream)
            .map_or((0, 0), |stream| stream.size)
    }

    /// Looks at the front of the buffer, and takes in what a packet says.
    fn front(&mut self) -> Result<Front, NutError> {
        if !self.begun {
            let Some(id) = self.buffer.get(..ID.len()) else {
                return Ok(Front::Cut);
            };
            if id != ID {
                return Err(NutError::Broken("it is no NUT"));
            }
            self.begun = true;
            return Ok(Front::Packet(ID.len()));
        }
        match self.buffer.first() {
            None => Ok(Front::Cut),
            Some(&N) => self.packet(),
            Some(_) => Ok(self.frame()?.unwrap_or(Front::Cut)),
        }
    }

    fn packet(&mut self) -> Result<Front, NutError> {
        let mut fields = Fields(&self.buffer);
        let (Some(code), Some(length)) = (fields.u64(), fields.v()) else {
            return Ok(Front::Cut);
        };
        if length > MAX_PACKET {
            return Err(NutError::Broken("a packet is too long"));
        }
        let checksum = if length > SHORT_PACKET { 4 } else { 0 };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let header = self.buffer.len() - fields.0.len() + checksum;
        let Some(body) = self.buffer.get(header..header + length) else {
            return Ok(Front::Cut);
        };
        let body = Bytes::copy_from_slice(body);
        let mut fields = Fields(&body);
        let understood = match code {
            MAIN => self.main_header(&mut fields),
            STREAM => self.stream_header(&mut fields),
            SYNCPOINT => self.syncpoint(&mut fields),
            _ => Some(()),
        };
        understood.ok_or(NutError::Broken("a packet is cut off"))?;
        Ok(Front::Packet(header + length))
    }

    fn main_header(&mut self, fields: &mut Fields) -> Option<()> {
        let version = fields.v()?;
        if version > 3 {
            fields.v()?;
        }
        let _stream_count = fields.v()?;
        let _max_distance = fields.v()?;
        let time_bases = fields.v()?;
        self.time_bases.clear();
        for _ in 0..time_bases {
            self.time_bases.push((fields.v()?, fields.v()?));
        }
        self.codes = frame_codes(fields)?;
        self.elided = vec![Bytes::new()];
        for _ in 0..fields.v()? {
            self.elided.push(Bytes::copy_from_slice(fields.vb()?));
        }
        Some(())
    }

    fn stream_header(&mut self, fields: &mut Fields) -> Option<()> {
        let number = usize::try_from(fields.v()?).ok()?;
        let _class = fields.v()?;
        let _fourcc = fields.vb()?;
        let time_base = usize::try_from(fields.v()?).ok()?;
        let msb_pts_shift = u32::try_from(fields.v()?)
            .ok()
            .filter(|&shift| shift < 32)?;
        // Only a stream after the last one is another: headers are repeated.
        if number == self.streams.len() {
            self.streams.push(Stream {
                time_base: *self.time_bases.get(time_base)?,
                msb_pts_shift,
                last_pts: 0,
                size: picture_size(fields)?,
            });
        }
        Some(())
    }

    /// All streams' times go on from that of the syncpoint.
    fn syncpoint(&mut self, fields: &mut Fields) -> Option<()> {
        let coded = fields.v()?;
        let count = self.time_bases.len() as u64;
        let base = self
            .time_bases
            .get(usize::try_from(coded.checked_rem(count)?).ok()?)?;
        let ticks = i128::from(coded / count) * i128::from(base.0);
        for stream in &mut self.streams {
            let (num, den) = stream.time_base;
            let divisor = i128::from(base.1) * i128::from(num);
            let pts = (ticks * i128::from(den)).checked_div(divisor)?;
            stream.last_pts = i64::try_from(pts).ok()?;
        }
        Some(())
    }

    /// A frame's header; `None` where more bytes are needed.
    fn frame(&self) -> Result<Option<Front>, NutError> {
        let mut fields = Fields(&self.buffer);
        let Some(code) = fields.u8() else {
            return Ok(None);
        };
        let Some(code) = self.codes.get(usize::from(code)).copied() else {
            return Err(NutError::Broken("a frame comes before the headers"));
        };
        let Some((flags, stream, pts, size, elided)) = self.frame_header(&mut fields, code) else {
            return Ok(None);
        };
        if flags & FLAG_INVALID != 0 || flags & FLAG_SM_DATA != 0 {
            return Err(NutError::Broken("a frame is of an unknown kind"));
        }
        let (Ok(stream), true) = (usize::try_from(stream), size <= self.max_frame) else {
            return Err(NutError::Broken("a picture is too large"));
        };
        if stream >= self.streams.len() {
            return Err(NutError::Broken("a frame is of no stream"));
        }
        let elided = match usize::try_from(elided) {
            Ok(elided) if size <= MAX_ELIDED_FRAME && elided < self.elided.len() => elided,
            _ => 0,
        };
        let front = self.elided.get(elided).map_or(0, Bytes::len);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Ok(Some(Front::Frame {
            header: self.buffer.len() - fields.0.len(),
            size: size.saturating_sub(front),
            elided,
            stream,
            pts,
        }))
    }

    /// Flags, stream, time, size and elided header of a frame.
    fn frame_header(
        &self,
        fields: &mut Fields,
        code: FrameCode,
    ) -> Option<(u64, u64, i64, u64, u64)> {
        let mut flags = code.flags;
        if flags & FLAG_CODED != 0 {
            flags ^= fields.v()?;
        }
        let stream = if flags & FLAG_STREAM_ID != 0 {
            fields.v()?
        } else {
            code.stream
        };
        let known = usize::try_from(stream)
            .ok()
            .and_then(|n| self.streams.get(n));
        let known = known.copied().unwrap_or_default();
        let pts = if flags & FLAG_CODED_PTS != 0 {
            known.full_pts(fields.v()?)
        } else {
            known.last_pts.wrapping_add(code.pts_delta)
        };
        let mut size = code.size_lsb;
        if flags & FLAG_SIZE_MSB != 0 {
            size = size.saturating_add(code.size_mul.saturating_mul(fields.v()?));
        }
        if flags & FLAG_MATCH_TIME != 0 {
            fields.v()?;
        }
        let elided = if flags & FLAG_HEADER_IDX != 0 {
            fields.v()?
        } else {
            code.header
        };
        let reserved = if flags & FLAG_RESERVED != 0 {
            fields.v()?
        } else {
            code.reserved
        };
        for _ in 0..reserved {
            fields.v()?;
        }
        if flags & FLAG_CHECKSUM != 0 {
            fields.take(4)?;
        }
        Some((flags, stream, pts, size, elided))
    }
}

impl Stream {
    /// The time that is coded as `coded`: its lowest bits only, where they are enough.
    fn full_pts(&self, coded: u64) -> i64 {
        let coded = coded.cast_signed();
        let range = 1_i64 << self.msb_pts_shift;
        if coded >= range {
            return coded - range;
        }
        let mask = range - 1;
        let lowest = self.last_pts - mask / 2;
        ((coded - lowest) & mask) + lowest
    }
}

/// What stands in the header of a stream of video behind its time base.
fn picture_size(fields: &mut Fields) -> Option<(u32, u32)> {
    let _max_pts_distance = fields.v()?;
    let _decode_delay = fields.v()?;
    let _flags = fields.v()?;
    let _codec_specific = fields.vb()?;
    let mut length = || u32::try_from(fields.v()?).ok();
    Some((length()?, length()?))
}

/// The table of what each first byte of a frame stands for.
fn frame_codes(fields: &mut Fields) -> Option<Vec<FrameCode>> {
    let mut codes = Vec::with_capacity(256);
    let mut code = FrameCode {
        size_mul: 1,
        ..FrameCode::default()
    };
    while codes.len() < 256 {
        code.flags = fields.v()?;
        let given = fields.v()?;
        if given > 0 {
            code.pts_delta = fields.s()?;
        }
        if given > 1 {
            code.size_mul = fields.v()?;
        }
        if given > 2 {
            code.stream = fields.v()?;
        }
        let size = if given > 3 { fields.v()? } else { 0 };
        code.reserved = if given > 4 { fields.v()? } else { 0 };
        let count = match given {
            0..=5 => code.size_mul.checked_sub(size)?,
            _ => fields.v()?,
        };
        if given > 6 {
            fields.s()?;
        }
        if given > 7 {
            code.header = fields.v()?;
        }
        for _ in 8..given {
            fields.v()?;
        }
        let mut at = 0;
        while at < count && codes.len() < 256 {
            if codes.len() == usize::from(N) {
                codes.push(FrameCode {
                    flags: FLAG_INVALID,
                    ..FrameCode::default()
                });
                continue;
            }
            codes.push(FrameCode {
                size_lsb: size + at,
                ..code
            });
            at += 1;
        }
        if count == 0 {
            return None;
        }
    }
    Some(codes)
}

/// Fields one after the other; `None` at the end.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A number: seven bits a byte, the most significant first.
    fn v(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        loop {
            let byte = self.u8()?;
            value = (value << 7) | u64::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    }

    /// A number with a sign.
    fn s(&mut self) -> Option<i64> {
        let value = self.v()?.wrapping_add(1).cast_signed();
        Some(if value & 1 == 1 {
            -(value >> 1)
        } else {
            value >> 1
        })
    }

    /// Bytes behind their number.
    fn vb(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.v()?).ok()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What ffmpeg writes: pictures at odd times in one stream, tiny ones in another.
    fn written() -> Vec<u8> {
        let output = Command::new("ffmpeg")
            .args("-v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=3".split(' '))
            .args([
                "-filter_complex",
                "settb=1/1000000000,setpts=PTS*3+7+N+1e14,split[a][b]",
            ])
            .args("-map [a] -map [b] -fps_mode passthrough -enc_time_base 1:1000000000".split(' '))
            .args("-c:v:0 rawvideo -s:v:0 2x2 -pix_fmt:v:0 gray -c:v:1 mjpeg".split(' '))
            .args("-f nut -write_index 0 -".split(' '))
            .output()
            .expect("ffmpeg is installed");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    async fn frames<R: AsyncRead + Unpin>(reader: R) -> Result<Vec<NutFrame>, NutError> {
        let mut nut = NutReader::new(reader, 1 << 20);
        let mut frames = Vec::new();
        while let Some(frame) = nut.next().await? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[tokio::test]
    async fn times_and_pictures_of_both_streams_are_whole() {
        let found = frames(&written()[..]).await.expect("a NUT");
        for stream in [0, 1] {
            let of_stream = found.iter().filter(|frame| frame.stream == stream);
            let times: Vec<_> = of_stream.clone().map(|frame| frame.pts).collect();
            let expected: Vec<_> = (0..75)
                .map(|n| 100_000_000_000_000 + n * 120_000_000 + 7 + n)
                .collect();
            assert_eq!(times, expected);
            assert!(of_stream.clone().all(|frame| match stream {
                0 => frame.data.len() == 4,
                _ => frame.data.starts_with(b"\xff\xd8") && frame.data.ends_with(b"\xff\xd9"),
            }));
        }
    }

    #[tokio::test]
    async fn what_breaks_off_says_so_and_gives_what_was_before() {
        let whole = written();
        let expected = frames(&whole[..]).await.expect("a NUT");
        for length in [0, 10, 26, 300, 5000, whole.len() - 1] {
            let mut nut = NutReader::new(&whole[..length], 1 << 20);
            let mut given = 0;
            let end = loop {
                match nut.next().await {
                    Ok(Some(frame)) => {
                        assert_eq!(frame, expected[given]);
                        given += 1;
                    }
                    end => break end,
                }
            };
            assert!(length == 0 || end.is_err(), "{length}");
        }
        frames(&b"RIFF and then something else"[..])
            .await
            .expect_err("it is none");
        NutReader::new(&whole[..], 100)
            .next()
            .await
            .map(|frame| frame.map(|frame| frame.data.len()))
            .expect("a small frame comes first");
    }
}
