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
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaKind {
    /// May hold video.
    Video(ContainerFormat),
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
            Self::MpegPs | Self::Elementary | Self::Ivf | Self::Dv | Self::Real
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
    } else if any(0, SOUND) || at(0, b"RIFF") && at(8, b"WAVE") || mpeg_audio(head) {
        return MediaKind::Audio;
    } else {
        return MediaKind::Unknown;
    };
    MediaKind::Video(family)
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
