//! A chart of colours as a video's signal, computed from the standards and encoded without loss.

use std::fmt;
use std::io::Write;
use std::ops::Range as Span;
use std::path::Path;
use std::process::{Command, Stdio};

/// The colours, as a screen (sRGB) shows them: a row of six after the other.
pub(crate) const PATCHES: [[u8; 3]; 24] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
    [0, 0, 0],
    [128, 128, 128],
    [64, 64, 64],
    [192, 192, 192],
    [180, 40, 90],
    [40, 180, 90],
    [90, 40, 180],
    [200, 150, 120],
    [120, 160, 200],
    [235, 16, 16],
    [16, 235, 16],
    [16, 16, 235],
    [100, 100, 60],
    [60, 100, 100],
    [240, 200, 20],
    [20, 60, 110],
    [90, 60, 30],
];

const COLUMNS: usize = 6;
const ROWS: usize = 4;

/// Whose primaries and matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Bt601,
    Bt709,
    Bt2020,
}

/// Which numbers stand for black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    Limited,
    Full,
}

/// From light to signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    Sdr,
    Pq,
    Hlg,
}

/// One way to make a video of the chart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chart {
    pub(crate) space: Space,
    pub(crate) range: Range,
    pub(crate) curve: Curve,
    pub(crate) bits: u8,
    pub(crate) tagged: bool,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl fmt::Display for Chart {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            space,
            range,
            curve,
            bits,
            tagged,
            height,
            ..
        } = self;
        let tagged = if *tagged { "tagged" } else { "untagged" };
        write!(
            to,
            "{space:?} {range:?} {curve:?} {bits} bit {tagged} {height}p"
        )
    }
}

impl Chart {
    /// The middle of a patch in a picture of that size: columns and rows of pixels.
    pub(crate) fn middle(patch: usize, width: usize, height: usize) -> (Span<usize>, Span<usize>) {
        let inner = |at: usize, of: usize, length: usize| {
            let (from, to) = (at * length / of, (at + 1) * length / of);
            let quarter = (to - from) / 4;
            from + quarter..to - quarter
        };
        (
            inner(patch % COLUMNS, COLUMNS, width),
            inner(patch / COLUMNS, ROWS, height),
        )
    }

    /// Encodes it without loss as `path`.
    pub(crate) fn make(self, path: &Path) {
        let pixels = if self.bits == 8 {
            "yuv420p"
        } else {
            "yuv420p10le"
        };
        let size = format!("{}x{}", self.width, self.height);
        let mut ffmpeg = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", pixels])
            .args(["-s", &size, "-r", "1", "-i", "-"])
            .args(["-c:v", "libx264", "-qp", "0", "-pix_fmt", pixels])
            .args(self.tags())
            .arg(path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("ffmpeg is installed");
        let mut stdin = ffmpeg.stdin.take().expect("piped");
        stdin.write_all(&self.picture()).expect("ffmpeg reads");
        drop(stdin);
        assert!(ffmpeg.wait().expect("ffmpeg ends").success(), "{self}");
    }

    fn tags(self) -> Vec<&'static str> {
        if !self.tagged {
            return Vec::new();
        }
        let (matrix, primaries, curve) = match self.space {
            Space::Bt601 => ("smpte170m", "smpte170m", "smpte170m"),
            Space::Bt709 => ("bt709", "bt709", "bt709"),
            Space::Bt2020 => ("bt2020nc", "bt2020", "bt2020-10"),
        };
        let curve = match self.curve {
            Curve::Sdr => curve,
            Curve::Pq => "smpte2084",
            Curve::Hlg => "arib-std-b67",
        };
        let range = match self.range {
            Range::Limited => "tv",
            Range::Full => "pc",
        };
        vec![
            "-colorspace",
            matrix,
            "-color_primaries",
            primaries,
            "-color_trc",
            curve,
            "-color_range",
            range,
        ]
    }

    /// The picture's planes, 4:2:0.
    fn picture(self) -> Vec<u8> {
        let signals = PATCHES.map(|patch| self.quantised(patch));
        let mut planes = Vec::new();
        for (plane, shrink) in [(0, 1), (1, 2), (2, 2)] {
            for y in (0..self.height).step_by(shrink) {
                for x in (0..self.width).step_by(shrink) {
                    let patch = y * ROWS / self.height * COLUMNS + x * COLUMNS / self.width;
                    let sample = signals[patch][plane];
                    let bytes = sample.to_le_bytes();
                    planes.extend(&bytes[..if self.bits == 8 { 1 } else { 2 }]);
                }
            }
        }
        planes
    }

    /// A colour as numbers for brightness, blue and red.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 1023"
    )]
    fn quantised(self, patch: [u8; 3]) -> [u16; 3] {
        let [red, green, blue] = self.signal(patch);
        let (kr, kb) = match self.space {
            Space::Bt601 => (0.299, 0.114),
            Space::Bt709 => (0.2126, 0.0722),
            Space::Bt2020 => (0.2627, 0.0593),
        };
        let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
        let (cb, cr) = (
            (blue - luma) / 2.0 / (1.0 - kb),
            (red - luma) / 2.0 / (1.0 - kr),
        );
        let most = f64::from((1_u32 << self.bits) - 1);
        let step = f64::from(1_u32 << (self.bits - 8));
        let number = |value: f64, limited: f64, offset: f64| match self.range {
            // BT.709-6, 4.6, and the like: 219 and 224 steps of 8 bits.
            Range::Limited => (value * limited + offset) * step,
            Range::Full if offset > 16.0 => value * most + 128.0 * step,
            Range::Full => value * most,
        };
        [
            number(luma, 219.0, 16.0),
            number(cb, 224.0, 128.0),
            number(cr, 224.0, 128.0),
        ]
        .map(|number| number.round().clamp(0.0, most) as u16)
    }

    /// A colour as red, green and blue of the signal, from 0 to 1.
    fn signal(self, patch: [u8; 3]) -> [f64; 3] {
        let screen = patch.map(|value| f64::from(value) / 255.0);
        match self.curve {
            // What stands in the signal is what a screen is given.
            Curve::Sdr => screen,
            Curve::Pq => to_2020(screen.map(light_of_srgb)).map(|light| pq(light * WHITE)),
            Curve::Hlg => hlg(to_2020(screen.map(light_of_srgb)).map(|light| light * WHITE)),
        }
    }
}

/// HDR's white for what is no highlight, in cd/m² (BT.2408).
const WHITE: f64 = 203.0;

/// IEC 61966-2-1.
fn light_of_srgb(value: f64) -> f64 {
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

/// From BT.709's primaries to BT.2020's (BT.2087, M2).
fn to_2020([red, green, blue]: [f64; 3]) -> [f64; 3] {
    [
        0.6274 * red + 0.3293 * green + 0.0433 * blue,
        0.0691 * red + 0.9195 * green + 0.0114 * blue,
        0.0164 * red + 0.0880 * green + 0.8956 * blue,
    ]
}

/// The signal for so many cd/m² (SMPTE ST 2084).
fn pq(light: f64) -> f64 {
    let power = (light.max(0.0) / 10_000.0).powf(2610.0 / 16_384.0);
    let above = 3424.0 / 4096.0 + 2413.0 / 128.0 * power;
    (above / (1.0 + 2392.0 / 128.0 * power)).powf(2523.0 / 32.0)
}

/// The signal for the light of a screen of 1000 cd/m² (BT.2100: system gamma 1.2).
fn hlg(light: [f64; 3]) -> [f64; 3] {
    let light = light.map(|light| light.max(0.0) / 1000.0);
    let luminance = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2];
    let scene = luminance.max(1e-9).powf((1.0 - 1.2) / 1.2);
    light.map(|light| {
        let scene = light * scene;
        if scene <= 1.0 / 12.0 {
            (3.0 * scene).sqrt()
        } else {
            0.178_832_77 * (12.0 * scene - 0.284_668_92).ln() + 0.559_910_73
        }
    })
}
