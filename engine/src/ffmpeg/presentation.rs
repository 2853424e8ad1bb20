//! How a video is shown: which of its streams, and what is done so that a picture looks as a
//! player shows it.
//!
//! Some of that can be asked of ffmpeg only by somebody who knows the stream: no filter takes
//! BT.709 just where a video of 720 lines does not name its matrix. So a start is made with a
//! guess, and where [what ffmpeg says of the streams](StreamFacts) does not fit it, another start
//! is made, before any picture is taken.

use std::fmt::Write;

use crate::container::isobmff::{TrackChoice, TrackReason};
use crate::ffmpeg::layout::Coded;
use crate::ffmpeg::program::Ffmpeg;
use crate::ffmpeg::stream_facts::StreamFacts;
use crate::ffmpeg::tone_map::{self, Transfer};
use crate::options::{Format, Hdr, Mode, Options, Samples};

/// From so many lines on, video that does not name its matrix is BT.709, to all players.
const HD_LINES: u32 = 720;

/// Which stream is shown, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presentation {
    /// Which of the streams of video, covers apart.
    stream: usize,
    matrix: InputMatrix,
    samples: SampleKind,
    light: Light,
    deinterlace: bool,
    /// Whether there is a decoder for transparency which is coded beside the pictures.
    libvpx: bool,
    /// It, where it is needed.
    alpha_decoder: Option<&'static str>,
    /// What the file says of its colours, where the decoder cannot know that: a filter.
    tags: Option<String>,
}

/// How colours are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum InputMatrix {
    /// As the stream says.
    #[default]
    AsSaid,
    /// BT.709, which the stream need not say.
    Bt709,
    /// BT.601, of which it says nothing.
    Bt601,
}

/// What the samples of a picture are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SampleKind {
    /// Planes of brightness and differences of even sizes, by a matrix that the filter `colorspace`
    /// knows.
    #[default]
    Planes,
    /// Anything else.
    Other,
}

/// What becomes of the light that a picture stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Light {
    /// It is a screen's own (sRGB, near enough).
    #[default]
    Screen,
    /// High dynamic range, mapped to a screen's.
    High(Transfer),
    /// The same, kept as it is.
    KeptHigh,
}

impl Presentation {
    /// How a stream is shown of which nothing is known.
    pub(crate) fn unknown(ffmpeg: &Ffmpeg) -> Self {
        Self {
            libvpx: ffmpeg.libvpx,
            ..Self::default()
        }
    }

    /// How a stream is shown of which only this is known: its lines, and the numbers of its
    /// primaries, transfer and matrix (ITU-T H.273) where the container says them.
    pub(crate) fn guess(
        ffmpeg: &Ffmpeg,
        lines: u32,
        colours: Option<[u16; 3]>,
        options: &Options,
    ) -> Self {
        const UNSPECIFIED: u16 = 2;

        let [primaries, transfer, matrix] = colours.unwrap_or([UNSPECIFIED; 3]);
        let light = match (transfer, primaries) {
            (16, _) => Light::high(Transfer::Pq, options),
            (18, _) => Light::high(Transfer::Hlg, options),
            _ => Light::Screen,
        };
        Self {
            matrix: match matrix {
                1 => InputMatrix::Bt709,
                UNSPECIFIED if lines >= HD_LINES => InputMatrix::Bt709,
                UNSPECIFIED if lines > 0 => InputMatrix::Bt601,
                _ => InputMatrix::AsSaid,
            },
            light,
            ..Self::unknown(ffmpeg)
        }
    }

    /// How the video in these streams is shown.
    fn needed(&self, streams: &[StreamFacts], options: &Options) -> Self {
        let (stream, _) = chosen(streams, options);
        let Some(facts) = streams.get(stream) else {
            return Self {
                stream,
                libvpx: self.libvpx,
                ..Self::default()
            };
        };
        let matrix = match facts.matrix {
            None if facts.is_yuv() && facts.height >= HD_LINES => InputMatrix::Bt709,
            None if facts.is_yuv() => InputMatrix::Bt601,
            _ => InputMatrix::AsSaid,
        };
        let light = match (facts.transfer.as_deref(), facts.primaries.as_deref()) {
            (Some("smpte2084"), _) => Light::high(Transfer::Pq, options),
            (Some("arib-std-b67"), _) => Light::high(Transfer::Hlg, options),
            _ => Light::Screen,
        };
        let is_wanted = facts.alpha_beside && options.format != Format::Jpg && self.libvpx;
        let alpha_decoder = match facts.codec.as_str() {
            "vp8" if is_wanted => Some("libvpx"),
            "vp9" if is_wanted => Some("libvpx-vp9"),
            _ => None,
        };
        Self {
            stream,
            matrix,
            samples: SampleKind::new(facts),
            light,
            deinterlace: facts.interlaced,
            libvpx: self.libvpx,
            alpha_decoder,
            tags: None,
        }
    }

    /// How the pictures of the stream are shown where they come as the only stream of another file,
    /// which has lost what these streams say; `None` where they cannot be shown as they should.
    pub(crate) fn alone(&self, streams: &[StreamFacts]) -> Option<Self> {
        let facts = streams.get(self.stream)?;
        if facts.has_display_matrix || self.alpha_decoder.is_some() {
            return None;
        }
        let said = [
            ("range", facts.range),
            ("colorspace", facts.matrix.as_deref()),
            ("color_primaries", facts.primaries.as_deref()),
            ("color_trc", facts.transfer.as_deref()),
        ];
        let said = said.map(|(name, value)| value.map(|value| format!("{name}={value}")));
        let said: Vec<_> = said.into_iter().flatten().collect();
        Some(Self {
            stream: 0,
            tags: (!said.is_empty()).then(|| format!("setparams={},", said.join(":"))),
            ..self.clone()
        })
    }

    /// The same for pictures that are coded so.
    pub(crate) fn of_size(&self, coded: Coded) -> Self {
        let is_even = coded.width.is_multiple_of(2) && coded.height.is_multiple_of(2);
        Self {
            samples: if is_even {
                self.samples
            } else {
                SampleKind::Other
            },
            ..self.clone()
        }
    }

    /// The presentation that these streams need, if this one is another.
    pub(crate) fn other(&self, streams: &[StreamFacts], options: &Options) -> Option<Self> {
        let needed = self.needed(streams, options);
        let facts = streams.get(needed.stream);
        let said = facts.and_then(|facts| facts.matrix.as_deref());
        let same = Self {
            matrix: match (self.matrix, said) {
                // Both read it the same way.
                (InputMatrix::Bt709, Some("bt709"))
                | (InputMatrix::Bt601, Some("smpte170m" | "bt470bg")) => InputMatrix::AsSaid,
                (matrix, _) => matrix,
            },
            ..self.clone()
        } == needed;
        (!same).then_some(needed)
    }

    /// The filter that says what the file says of its colours, with a comma after it.
    pub(crate) fn tags(&self) -> &str {
        self.tags.as_deref().unwrap_or_default()
    }

    /// Which stream of video is shown, as `-map` names it.
    pub(crate) fn map(&self) -> String {
        format!("0:V:{}", self.stream)
    }

    /// The number of the stream, covers not counted.
    pub(crate) fn stream(&self) -> usize {
        self.stream
    }

    /// Whether a picture depends on those before and after it.
    pub(crate) fn needs_neighbours(&self, options: &Options) -> bool {
        self.deinterlace && options.mode == Mode::Exact
    }

    /// What ffmpeg is told before the input.
    pub(crate) fn decoder(&self) -> Vec<&'static str> {
        self.alpha_decoder
            .map_or(Vec::new(), |decoder| vec!["-c:v", decoder])
    }

    /// The filters that come before frames are chosen, each with a comma after it: they need the
    /// frames before and after, where those are decoded. They keep times in nanoseconds.
    pub(crate) fn before_choice(&self, options: &Options) -> &'static str {
        match options.mode {
            _ if !self.deinterlace => "",
            // It makes ticks half as long.
            Mode::Exact => "bwdif=mode=send_frame:deint=interlaced,settb=1/1000000000,",
            Mode::Keyframe => "estdif=mode=frame:deint=interlaced,settb=1/1000000000,",
        }
    }

    /// The filters that make a picture of a chosen frame.
    pub(crate) fn after_choice(&self, options: &Options) -> String {
        // Its profile would be in the first pictures only, and is not what is done here.
        let mut filters = String::from("sidedata=mode=delete:type=ICC_PROFILE,");
        // JPEG is BT.601 in full range by definition (JFIF), WebP in limited range (RFC 6386); PNG is
        // red, green and blue.
        filters += &match (options.format, self.light, self.samples) {
            (Format::Jpg, Light::Screen, SampleKind::Planes) => {
                self.planes_for_jpeg() + "," + &resize(options)
            }
            (Format::Jpg, ..) => {
                resize(options)
                    + ","
                    + &self.scale()
                    + "out_color_matrix=bt601:out_range=pc:flags=area+accurate_rnd,\
                       format=yuvj420p|yuvj422p|yuvj444p"
            }
            (Format::Webp, ..) => {
                resize(options)
                    + ","
                    + &self.scale()
                    + "out_color_matrix=bt601:out_range=tv:flags=area+accurate_rnd,\
                       format=yuv420p|yuva420p"
            }
            (Format::Png, light, _) => {
                let format = match light {
                    Light::KeptHigh => "format=rgb48be",
                    _ => {
                        "format=rgb24|rgba,\
                         setparams=color_primaries=bt709:color_trc=iec61966-2-1"
                    }
                };
                resize(options)
                    + ","
                    + &self.scale()
                    + "flags=accurate_rnd+full_chroma_int+full_chroma_inp,"
                    + format
            }
        };
        filters
    }

    /// The filter that converts from the one matrix and range straight to the others: a tenth of what
    /// `scale` takes. With `fast` it leaves the primaries and the light alone, which it must be told
    /// all the same. It needs pictures of one size, to which the `scale` before it keeps them.
    fn planes_for_jpeg(&self) -> String {
        let input = match self.matrix {
            InputMatrix::AsSaid => "",
            InputMatrix::Bt709 => "ispace=bt709:",
            InputMatrix::Bt601 => "ispace=smpte170m:",
        };
        format!(
            "scale,colorspace={input}iprimaries=bt709:itrc=bt709:space=smpte170m:primaries=bt709:\
             trc=bt709:range=pc:fast=1,format=yuvj420p|yuvj422p|yuvj444p"
        )
    }

    /// The begin of the filter that converts from any kind of samples to any other.
    fn scale(&self) -> String {
        let mut filters = String::from(match self.matrix {
            InputMatrix::AsSaid => "scale=in_color_matrix=auto:",
            InputMatrix::Bt709 => "scale=in_color_matrix=bt709:",
            InputMatrix::Bt601 => "scale=in_color_matrix=bt601:",
        });
        if let Light::High(_) = self.light {
            // Writing to a string cannot fail.
            let _ = write!(
                filters,
                "flags=accurate_rnd+full_chroma_int+full_chroma_inp,format=gbrp16le,\
                 lut3d=file={}:interp=tetrahedral,lut1d=file={}:interp=linear,scale=",
                tone_map::LIGHT,
                tone_map::CURVE
            );
        }
        filters
    }

    /// The files that the filters read, for ffmpeg's working folder.
    pub(crate) fn files(&self) -> Vec<(&'static str, String)> {
        match self.light {
            Light::High(transfer) => vec![
                (tone_map::LIGHT, transfer.light_table()),
                (tone_map::CURVE, tone_map::curve_table()),
            ],
            Light::Screen | Light::KeptHigh => Vec::new(),
        }
    }
}

impl SampleKind {
    fn new(facts: &StreamFacts) -> Self {
        const LAYOUTS: [&str; 6] = [
            "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p",
        ];
        const MATRICES: [&str; 6] = [
            "bt709",
            "smpte170m",
            "bt470bg",
            "fcc",
            "smpte240m",
            "bt2020nc",
        ];

        let layout = facts.pixel_format.as_str();
        let eight_bits = layout.strip_suffix("10le").or(layout.strip_suffix("12le"));
        let known = facts
            .matrix
            .as_deref()
            .is_none_or(|matrix| MATRICES.contains(&matrix));
        let is_even = facts.width.is_multiple_of(2) && facts.height.is_multiple_of(2);
        if known && is_even && LAYOUTS.contains(&eight_bits.unwrap_or(layout)) {
            Self::Planes
        } else {
            Self::Other
        }
    }
}

impl Light {
    fn high(transfer: Transfer, options: &Options) -> Self {
        match options.hdr {
            Hdr::ToneMap => Self::High(transfer),
            Hdr::Keep => Self::KeptHigh,
        }
    }
}

/// Which of the streams is shown, and why: the one asked for, else the first that the file would have
/// shown before others, else the first.
fn chosen(streams: &[StreamFacts], options: &Options) -> (usize, TrackReason) {
    match options.track {
        Some(track) => ((track as usize).saturating_sub(1), TrackReason::Asked),
        None => match streams.iter().position(|facts| facts.is_default) {
            None | Some(0) => (0, TrackReason::First),
            Some(at) => (at, TrackReason::Enabled),
        },
    }
}

/// The same as a track; `None` where there is none.
pub(crate) fn track_choice(streams: &[StreamFacts], options: &Options) -> Option<TrackChoice> {
    let (at, reason) = chosen(streams, options);
    streams.get(at)?;
    Some(TrackChoice {
        number: u32::try_from(at + 1).ok()?,
        of: u32::try_from(streams.len()).ok()?,
        reason,
    })
}

/// The filter that makes samples square and keeps to the wanted width.
///
/// A picture grows in one direction, as players have it. One whose samples would make it larger
/// than allowed keeps them.
fn resize(options: &Options) -> String {
    let (width, height) = match options.samples {
        Samples::AsIs => ("iw".to_owned(), "ih".to_owned()),
        Samples::Square => {
            let limit = options.limits.pixels;
            (
                format!("if(gt(sar,1)*lte(iw*ih*sar,{limit}),iw*sar,iw)"),
                format!("if(gt(sar,0)*lt(sar,1)*lte(iw*ih,{limit}*sar),ih/sar,ih)"),
            )
        }
    };
    let shrink = match options.width {
        Some(wanted) => format!("*min(1,{wanted}/({width}))"),
        None => String::new(),
    };
    let whole = |length: String| format!("max(1,trunc({length}{shrink}+0.5))");
    let (width, height) = (whole(width), whole(height));
    format!("scale=w='{width}':h='{height}':flags=bicubic,setsar=1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> StreamFacts {
        StreamFacts::parse(text).expect("a video")
    }

    fn of(text: &str) -> Presentation {
        Presentation::default().needed(&[facts(text)], &Options::default())
    }

    #[test]
    fn a_matrix_that_is_not_said_is_bt709_from_720_lines_on() {
        let hd = of("h264, yuv420p, 1280x720");
        assert_eq!(hd.matrix, InputMatrix::Bt709);
        assert_eq!(of("h264, yuv420p, 960x540").matrix, InputMatrix::Bt601);
        let said = "h264, yuv420p(tv, smpte170m), 1280x720";
        assert_eq!(of(said).matrix, InputMatrix::AsSaid);
        assert_eq!(of("png, rgb24, 1280x720").matrix, InputMatrix::AsSaid);
    }

    #[test]
    fn planes_of_a_known_matrix_are_converted_directly() {
        for (text, kind) in [
            ("h264, yuv420p, 1280x720", SampleKind::Planes),
            (
                "mjpeg, yuvj422p(pc, bt470bg/unknown/unknown), 64x48",
                SampleKind::Planes,
            ),
            (
                "hevc, yuv420p10le(tv, bt2020nc/bt2020/bt709), 64x48",
                SampleKind::Planes,
            ),
            (
                "h264, yuv420p(tv, ycgco/bt709/bt709), 64x48",
                SampleKind::Other,
            ),
            ("png, rgb24, 64x48", SampleKind::Other),
            (
                "vp9, gbrp(tv, gbr/unknown/unknown), 64x48",
                SampleKind::Other,
            ),
            ("rawvideo, gray, 64x48", SampleKind::Other),
        ] {
            assert_eq!(of(text).samples, kind, "{text}");
        }
    }

    #[test]
    fn a_guess_that_reads_the_stream_the_same_way_is_kept() {
        let options = Options::default();
        let ffmpeg = Ffmpeg {
            path: "ffmpeg".into(),
            version: "5.1".into(),
            threads: std::num::NonZeroUsize::MIN,
            libvpx: true,
            libwebp: true,
            confinement: None,
        };
        let guess = |lines, colours| Presentation::guess(&ffmpeg, lines, colours, &options);
        for (guess, text, kept) in [
            (guess(1080, None), "h264, yuv420p, 1920x1080", true),
            (
                guess(1080, None),
                "h264, yuv420p(tv, bt709), 1920x1080",
                true,
            ),
            (
                guess(1080, None),
                "h264, yuv420p(tv, smpte170m), 1920x1080",
                false,
            ),
            (guess(0, None), "h264, yuv420p(tv, bt709), 1920x1080", true),
            (guess(0, None), "h264, yuv420p, 1920x1080", false),
            (guess(480, None), "h264, yuv420p, 640x480", true),
            (
                guess(480, None),
                "mpeg2video, yuv420p(top first), 640x480",
                false,
            ),
            (
                guess(2160, Some([9, 16, 9])),
                "hevc, yuv420p10le(tv, bt2020nc/bt2020/smpte2084), 3840x2160",
                true,
            ),
        ] {
            let other = guess.other(&[facts(text)], &options);
            assert_eq!(other.is_none(), kept, "{text}: {guess:?}, {other:?}");
            if let Some(other) = other {
                assert_eq!(other.other(&[facts(text)], &options), None, "{text}");
            }
        }
    }

    #[test]
    fn what_the_file_shows_by_default_comes_first() {
        let first = facts("h264, yuv420p, 64x48");
        let second = facts("h264, yuv420p, 320x180 (default)");
        let streams = [first.clone(), second, first];
        let map = |streams: &[StreamFacts], track| {
            let options = Options {
                track,
                ..Options::default()
            };
            Presentation::default().needed(streams, &options).map()
        };
        assert_eq!(map(&streams, None), "0:V:1");
        assert_eq!(map(&streams, Some(3)), "0:V:2");
        assert_eq!(map(&streams[..1], None), "0:V:0");
    }

    #[test]
    fn transparency_is_decoded_where_it_is_kept_and_can_be() {
        let mut streams = [facts("vp9 (Profile 0), yuv420p(tv, progressive), 160x120")];
        streams[0].alpha_beside = true;
        for (libvpx, format, decoder) in [
            (true, Format::Png, &["-c:v", "libvpx-vp9"][..]),
            (true, Format::Jpg, &[]),
            (false, Format::Png, &[]),
        ] {
            let presentation = Presentation {
                libvpx,
                ..Presentation::default()
            };
            let options = Options {
                format,
                ..Options::default()
            };
            assert_eq!(presentation.needed(&streams, &options).decoder(), decoder);
        }
    }
}
