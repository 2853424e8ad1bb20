//! Images out of ffmpeg's pipe, where they lie end to end.

mod jpeg;
mod png;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::options::Format;

/// How much more is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Cuts a stream into images by their own structure.
#[derive(Debug)]
pub(crate) struct Images<R> {
    reader: R,
    buffer: BytesMut,
    walk: Walk,
    most: usize,
}

/// How far the image at the front of the buffer has been walked through.
#[derive(Debug)]
enum Walk {
    Jpeg(jpeg::Walk),
    Png(png::Walk),
}

/// What a walk finds in the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// The image's length.
    End(usize),
    /// More bytes are needed.
    More,
    /// These are not the bytes of such an image.
    Garbage,
}

impl Walk {
    fn new(format: Format) -> Self {
        match format {
            Format::Jpg => Self::Jpeg(jpeg::Walk::default()),
            Format::Png => Self::Png(png::Walk::default()),
        }
    }

    fn on(&mut self, bytes: &[u8]) -> Found {
        match self {
            Self::Jpeg(walk) => walk.on(bytes),
            Self::Png(walk) => walk.on(bytes),
        }
    }

    fn restart(&mut self) {
        match self {
            Self::Jpeg(walk) => *walk = jpeg::Walk::default(),
            Self::Png(walk) => *walk = png::Walk::default(),
        }
    }
}

impl<R: AsyncRead + Unpin> Images<R> {
    /// Images of `format` from `reader`, none larger than `most` bytes.
    pub(crate) fn new(reader: R, format: Format, most: usize) -> Self {
        Self {
            reader,
            buffer: BytesMut::new(),
            walk: Walk::new(format),
            most,
        }
    }

    /// The next image; `None` at the end. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        loop {
            match self.walk.on(&self.buffer) {
                Found::End(length) => {
                    self.walk.restart();
                    return Ok(Some(self.buffer.split_to(length).freeze()));
                }
                Found::More if self.buffer.len() <= self.most => {}
                Found::More => return Err(invalid("an image from ffmpeg is too large")),
                Found::Garbage => return Err(invalid("ffmpeg gave something else than an image")),
            }
            self.buffer.reserve(CHUNK);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(invalid("ffmpeg ended within an image"));
            }
        }
    }
}

fn invalid(message: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = &[
        0xff, 0xd8, // start
        0xff, 0xfe, 0, 6, 0xff, 0xd9, 0xff, 0xd9, // a comment with an end marker inside
        0xff, 0xda, 0, 2, 1, 2, 0xff, 0, 3, 0xff, 0xd0,
        4, // a scan with a stuffed byte and RST0
        0xff, 0xff, 0xd9, // the end, after a fill byte
    ];

    /// A signature, an empty IHDR and an IEND; the walk does not look at the checksums.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x04IHDRIENDcrc.\0\0\0\0IENDcrc.";

    async fn all(bytes: &[u8], format: Format) -> Vec<usize> {
        let mut images = Images::new(bytes, format, 1000);
        let mut lengths = Vec::new();
        while let Some(image) = images.next().await.expect("whole images") {
            lengths.push(image.len());
        }
        lengths
    }

    #[tokio::test]
    async fn cuts_at_every_image() {
        assert_eq!(all(&JPEG.repeat(3), Format::Jpg).await, [JPEG.len(); 3]);
        assert_eq!(all(&PNG.repeat(3), Format::Png).await, [PNG.len(); 3]);
        assert_eq!(all(&[], Format::Jpg).await, [0; 0]);
    }

    #[tokio::test]
    async fn a_byte_at_a_time_makes_no_difference() {
        for (image, format) in [(JPEG, Format::Jpg), (PNG, Format::Png)] {
            let mut walk = Walk::new(format);
            for length in 0..image.len() {
                assert_eq!(
                    walk.on(&image[..length]),
                    Found::More,
                    "{format:?} {length}"
                );
            }
            assert_eq!(walk.on(&[image, image].concat()), Found::End(image.len()));
        }
    }

    #[tokio::test]
    async fn a_cut_image_and_garbage_are_errors() {
        for bytes in [&JPEG[..9], b"GIF89a", &[0xff, 0xd8, 0xff, 0xfe, 0, 1, 0, 0]] {
            Images::new(bytes, Format::Jpg, 1000)
                .next()
                .await
                .expect_err("not an image");
        }
        Images::new(JPEG, Format::Jpg, 4)
            .next()
            .await
            .expect("it is read at once");
        let endless = tokio::io::repeat(0).chain(&[][..]);
        let endless = JPEG[..16].chain(endless);
        Images::new(endless, Format::Jpg, 1 << 20)
            .next()
            .await
            .expect_err("too large");
    }
}
