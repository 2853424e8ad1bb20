//! What a file is, by its first bytes.
//!
//! ffmpeg would find out by itself, but then it also recognises playlists and scripts that make
//! it open other files and addresses. So the family is pinned here, and ffmpeg is allowed the
//! demuxers of that one family only.

/// How many bytes from the file's beginning are looked at.
pub(crate) const HEAD: u64 = 64 << 10;

/// A family of containers: what one magic can turn out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerFormat {
    /// ISO base media: mp4, mov, 3gp, mj2.
    Iso,
    /// Matroska and `WebM`.
    Matroska,
    /// RIFF AVI.
    Avi,
    /// MPEG transport stream.
    MpegTs,
    /// MPEG program stream.
    MpegPs,
    /// A bare MPEG-1/2, H.264 or H.265 stream.
    Elementary,
    /// Flash video.
    Flv,
    /// ASF: wmv.
    Asf,
    /// Ogg.
    Ogg,
    /// Animated GIF.
    Gif,
    /// MXF.
    Mxf,
    /// IVF: bare VP8, VP9, AV1.
    Ivf,
    /// `RealMedia`.
    Real,
    /// Digital Video.
    Dv,
    /// Animated PNG.
    Apng,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaKind {
    /// May hold video.
    Video(ContainerFormat),
    /// Moving pictures that no decoder of ours knows, by their name.
    Undecodable(&'static str),
    /// Sound only.
    Audio,
    /// Anything else.
    Unknown,
}

impl ContainerFormat {
    /// Whether the playing time that ffmpeg tells is the file's own word, and no guess by its size.
    pub(crate) const fn knows_its_end(self) -> bool {
        !matches!(
            self,
            Self::MpegPs | Self::Elementary | Self::Ivf | Self::Dv | Self::Real | Self::Apng
        )
    }

    /// ffmpeg's names of the demuxers that read it, for `-format_whitelist`.
    pub(crate) const fn demuxers(self) -> &'static str {
        match self {
            Self::Iso => "mov",
            Self::Matroska => "matroska,webm",
            Self::Avi => "avi",
            Self::MpegTs => "mpegts",
            Self::MpegPs => "mpeg",
            Self::Elementary => "h264,hevc,mpegvideo",
            Self::Flv => "flv",
            Self::Asf => "asf",
            Self::Ogg => "ogg",
            Self::Gif => "gif",
            Self::Mxf => "mxf",
            Self::Ivf => "ivf",
            Self::Real => "rm",
            Self::Dv => "dv",
            Self::Apng => "apng",
        }
    }
}

/// Kinds of boxes that an ISO file begins with.
const ISO: &[&[u8]] = &[
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof",
    b"uuid", b"jP  ", b"udta",
];

/// First bytes of files that hold sound only.
const SOUND: &[&[u8]] = &[
    b"ID3",
    b"fLaC",
    b"MThd",
    b"FORM",
    b".snd",
    b"#!AMR",
    b"wvpk",
    b"MAC ",
    b"\x0b\x77",
    b"\x7f\xfe\x80\x01",
    b".ra\xfd",
    b"ADIF",
    b"caff",
    b"TTA1",
    b"DSD ",
];

/// Tells what a file is from its first [`HEAD`] bytes, or all if it is shorter.
pub(crate) fn sniff(head: &[u8]) -> MediaKind {
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    let any = |offset: usize, magics: &[&[u8]]| magics.iter().any(|magic| at(offset, magic));
    let family = if any(4, ISO) {
        ContainerFormat::Iso
    } else if at(0, b"\x1a\x45\xdf\xa3") {
        ContainerFormat::Matroska
    } else if at(0, b"RIFF") && any(8, &[b"AVI ", b"AVIX", b"AVI\x19", b"AMV "]) {
        ContainerFormat::Avi
    } else if at(0, b"FLV") {
        ContainerFormat::Flv
    } else if at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11") {
        ContainerFormat::Asf
    } else if at(0, b"OggS") {
        ContainerFormat::Ogg
    } else if at(0, b"GIF8") {
        ContainerFormat::Gif
    } else if at(0, b"DKIF") {
        ContainerFormat::Ivf
    } else if at(0, b".RMF") {
        ContainerFormat::Real
    } else if at(0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02") {
        ContainerFormat::Mxf
    } else if at(0, b"\x1f\x07\x00") {
        ContainerFormat::Dv
    } else if any(0, &[b"\0\0\x01\xba", b"\0\0\x01\xbb"]) || at(0, b"RIFF") && at(8, b"CDXA") {
        ContainerFormat::MpegPs
    } else if transport_stream(head) {
        ContainerFormat::MpegTs
    } else if any(0, &[b"\0\0\x01", b"\0\0\0\x01"]) {
        ContainerFormat::Elementary
    } else if at(0, PNG) && is_animated_png(head) {
        ContainerFormat::Apng
    } else if at(0, b"RIFF")
        && at(8, b"WEBPVP8X")
        && head.get(20).is_some_and(|f| f & WEBP_MOVES != 0)
    {
        return MediaKind::Undecodable("animated WebP");
    } else if at(0, b"\x8aMNG\r\n\x1a\n") {
        return MediaKind::Undecodable("MNG");
    } else if any(0, SOUND) || at(0, b"RIFF") && at(8, b"WAVE") || mpeg_audio(head) {
        return MediaKind::Audio;
    } else {
        return MediaKind::Unknown;
    };
    MediaKind::Video(family)
}

/// What a PNG begins with.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The flag of animation in a `VP8X` chunk.
const WEBP_MOVES: u8 = 1 << 1;

/// Whether a PNG says that it moves: by a chunk `acTL` before the first of its pixels.
fn is_animated_png(head: &[u8]) -> bool {
    let mut rest = head.get(PNG.len()..).unwrap_or_default();
    while let Some((length, kind)) = rest
        .split_first_chunk::<4>()
        .and_then(|(length, rest)| Some((u32::from_be_bytes(*length), rest.first_chunk::<4>()?)))
    {
        match kind {
            b"acTL" => return true,
            b"IDAT" => return false,
            _ => {}
        }
        // Length, kind and checksum stand around the data.
        let next = usize::try_from(length).ok().and_then(|n| n.checked_add(12));
        rest = next.and_then(|next| rest.get(next..)).unwrap_or_default();
    }
    false
}

/// Whether sync bytes repeat at the distance of packets (188 bytes; 192 with time codes, 204 with
/// error correction), from somewhere near the beginning.
fn transport_stream(head: &[u8]) -> bool {
    const SYNC: u8 = 0x47;
    [188, 192, 204].into_iter().any(|size| {
        (0..size).any(|start| {
            let mut packets = head.iter().skip(start).step_by(size);
            let seen = packets
                .by_ref()
                .take(5)
                .filter(|&&byte| byte == SYNC)
                .count();
            seen == 5
                || (start == 0
                    && seen >= 1
                    && head.len() < size * 5
                    && seen == head.len().div_ceil(size))
        })
    })
}

/// Whether an MPEG audio (layer I to III) or AAC (ADTS) frame begins here.
fn mpeg_audio(head: &[u8]) -> bool {
    matches!(head, [0xff, second, third, ..] if second & 0xe0 == 0xe0
        && second & 0x18 != 0x08 && third & 0xf0 != 0xf0 && *second != 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playlists_and_scripts_are_no_video() {
        for text in [
            "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
            "ffconcat version 1.0\nfile other.mp4\n",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
            "<?xml version=\"1.0\"?><MPD></MPD>",
            "",
        ] {
            assert_eq!(sniff(text.as_bytes()), MediaKind::Unknown, "{text}");
        }
    }

    #[test]
    fn knows_the_families() {
        let cases: [(&[u8], ContainerFormat); 8] = [
            (b"\0\0\0\x20ftypisom", ContainerFormat::Iso),
            (b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x20", ContainerFormat::Iso),
            (b"\x1a\x45\xdf\xa3\x93", ContainerFormat::Matroska),
            (b"RIFF\0\0\0\0AVI LIST", ContainerFormat::Avi),
            (b"\0\0\0\x01\x67\x64", ContainerFormat::Elementary),
            (b"\0\0\x01\xb3\x14", ContainerFormat::Elementary),
            (b"\0\0\x01\xba\x44", ContainerFormat::MpegPs),
            (b"FLV\x01", ContainerFormat::Flv),
        ];
        for (head, family) in cases {
            assert_eq!(sniff(head), MediaKind::Video(family));
        }
        let mut packets = vec![0; 188 * 6 + 7];
        packets
            .iter_mut()
            .skip(7)
            .step_by(188)
            .for_each(|byte| *byte = 0x47);
        assert_eq!(sniff(&packets), MediaKind::Video(ContainerFormat::MpegTs));
    }

    #[test]
    fn pictures_that_move_are_told_from_those_that_do_not() {
        let chunk = |kind: &[u8; 4], data: &[u8]| {
            let length = u32::try_from(data.len()).expect("it fits").to_be_bytes();
            [&length[..], kind, data, &[0; 4]].concat()
        };
        let header = [PNG, &chunk(b"IHDR", &[0; 13]), &chunk(b"tEXt", b"acTL")].concat();
        let pixels = chunk(b"IDAT", &[0; 40]);
        let moving = [&header[..], &chunk(b"acTL", &[0; 8]), &pixels].concat();
        assert_eq!(sniff(&moving), MediaKind::Video(ContainerFormat::Apng));
        let still = [&header[..], &pixels, &chunk(b"acTL", &[0; 8])].concat();
        for still in [
            &still[..],
            &still[..20],
            b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10",
        ] {
            assert_eq!(sniff(still), MediaKind::Unknown);
        }
        let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0";
        assert_eq!(sniff(webp), MediaKind::Undecodable("animated WebP"));
    }

    #[test]
    fn knows_sound() {
        for head in [
            b"ID3\x04\0\0".as_slice(),
            b"RIFF\0\0\0\0WAVEfmt ",
            b"\xff\xfb\x90\x64",
        ] {
            assert_eq!(sniff(head), MediaKind::Audio);
        }
    }
}
