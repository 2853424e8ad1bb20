//! High dynamic range for an ordinary screen: tables from its signal to the light of a screen and
//! from there to sRGB, computed from the standards, that ffmpeg's `lut3d` and `lut1d` apply.
//!
//! ffmpeg's own way (`zscale`, `tonemap`) needs one more library, takes no odd sizes, and applies
//! HLG's gamma to each colour by itself, which ITU-R BT.2100 does not.

use std::fmt::Write;

/// The tables' files in ffmpeg's working folder.
pub(crate) const LIGHT: &str = "light.cube";
pub(crate) const CURVE: &str = "srgb.cube";

/// Points in each direction of the table of three dimensions: one of them is white, at 58 % of PQ
/// and 75 % of HLG. Between points ffmpeg interpolates; light so near to each other is nearly even.
const POINTS: u32 = 49;

/// Points of the table from light to sRGB.
const CURVE_POINTS: u32 = 4096;

/// The white of what is no highlight, in cd/m² (ITU-R BT.2408). It becomes white.
const WHITE: f64 = 203.0;

/// The brightest light that is told from others, in cd/m²: that of most masters, and of HLG's
/// reference screen.
const PEAK: f64 = 1000.0;

/// Up to this share of white nothing is changed; the rest of the screen's light is shared by all
/// that is brighter.
const KNEE: f64 = 0.95;

/// From signal to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// SMPTE ST 2084.
    Pq,
    /// ARIB STD-B67.
    Hlg,
}

impl Transfer {
    /// The table from signal to light, in the text form that Adobe calls `.cube`.
    pub(crate) fn light_table(self) -> String {
        let line = "0.123456 0.123456 0.123456\n".len();
        let mut text = String::with_capacity(line * (POINTS as usize).pow(3) + 20);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "LUT_3D_SIZE {POINTS}");
        let signal = |point: u32| f64::from(point) / f64::from(POINTS - 1);
        for blue in 0..POINTS {
            for green in 0..POINTS {
                for red in 0..POINTS {
                    let [r, g, b] = self.light_of_screen([red, green, blue].map(signal));
                    let _ = writeln!(text, "{r:.6} {g:.6} {b:.6}");
                }
            }
        }
        text
    }

    /// The light of a screen with BT.709's primaries, of which 1 is white, for a signal with
    /// BT.2020's.
    ///
    /// Colours that it cannot show come out below zero, and are cut off only after ffmpeg has
    /// interpolated: an edge within the table would blur.
    fn light_of_screen(self, signal: [f64; 3]) -> [f64; 3] {
        let light = match self {
            Self::Pq => signal.map(light_of_pq),
            Self::Hlg => light_of_hlg(signal),
        };
        let light = to_bt709(light.map(|light| light / WHITE));
        // The brightest colour decides, so that the tone of all stays.
        let brightest = light.into_iter().fold(0.0, f64::max);
        let share = if brightest > 0.0 {
            roll_off(brightest) / brightest
        } else {
            1.0
        };
        light.map(|light| light * share)
    }
}

/// The table from light to sRGB.
pub(crate) fn curve_table() -> String {
    let mut text = format!("LUT_1D_SIZE {CURVE_POINTS}\n");
    for point in 0..CURVE_POINTS {
        let value = srgb(f64::from(point) / f64::from(CURVE_POINTS - 1));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{value:.6} {value:.6} {value:.6}");
    }
    text
}

/// cd/m² of a PQ signal.
fn light_of_pq(signal: f64) -> f64 {
    let root = signal.powf(32.0 / 2523.0);
    let above = (root - 3424.0 / 4096.0).max(0.0);
    let below = 2413.0 / 128.0 - 2392.0 / 128.0 * root;
    10_000.0 * (above / below).powf(16_384.0 / 2610.0)
}

/// cd/m² of an HLG signal on its reference screen (BT.2100: a system gamma of 1.2, of luminance).
fn light_of_hlg(signal: [f64; 3]) -> [f64; 3] {
    let scene = signal.map(|signal| {
        if signal <= 0.5 {
            signal * signal / 3.0
        } else {
            (((signal - 0.559_910_73) / 0.178_832_77).exp() + 0.284_668_92) / 12.0
        }
    });
    let luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2];
    scene.map(|scene| PEAK * luminance.powf(0.2) * scene)
}

/// From BT.2020's primaries to BT.709's (BT.2407, annex 2).
fn to_bt709([red, green, blue]: [f64; 3]) -> [f64; 3] {
    [
        1.6605 * red - 0.5876 * green - 0.0728 * blue,
        -0.1246 * red + 1.1329 * green - 0.0083 * blue,
        -0.0182 * red - 0.1006 * green + 1.1187 * blue,
    ]
}

/// Shares the light above the knee: a hyperbola that leaves it without a bend and reaches 1 at the
/// peak.
fn roll_off(light: f64) -> f64 {
    let (room, peak) = (1.0 - KNEE, PEAK / WHITE - KNEE);
    if light <= KNEE {
        return light;
    }
    if light >= PEAK / WHITE {
        return 1.0;
    }
    let above = light - KNEE;
    // y = x / (1 + c x), with y = room at the peak.
    KNEE + above / (1.0 + above * (1.0 / room - 1.0 / peak))
}

/// IEC 61966-2-1.
fn srgb(light: f64) -> f64 {
    if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Transfer {
        /// What is stored for a grey signal, of 255.
        fn grey(self, signal: f64) -> f64 {
            let [red, green, blue] = self.light_of_screen([signal; 3]);
            assert!((red - green).abs().max((blue - green).abs()) < 1e-3);
            srgb(green) * 255.0
        }
    }

    #[test]
    fn white_is_white_and_grey_is_grey() {
        let is = |found: f64, right: f64| assert!((found - right).abs() < 1.5, "{found} {right}");
        for transfer in [Transfer::Pq, Transfer::Hlg] {
            is(transfer.grey(0.0), 0.0);
            is(transfer.grey(1.0), 255.0);
            // BT.2408, table 1: 18 % grey, 26 cd/m² of 203, is 38 % of both.
            is(transfer.grey(0.38), 101.0);
        }
        // The same: diffuse white is 58 % of PQ and 75 % of HLG.
        is(Transfer::Pq.grey(0.5807), 252.0);
        is(Transfer::Hlg.grey(0.75), 252.0);
    }

    #[test]
    fn brighter_light_is_never_darker() {
        for transfer in [Transfer::Pq, Transfer::Hlg] {
            let greys = (0..=1000).map(|n| transfer.grey(f64::from(n) / 1000.0));
            let steps: Vec<_> = greys.map(|grey| (grey * 64.0).round()).collect();
            assert!(steps.is_sorted(), "{transfer:?}");
        }
    }

    #[test]
    fn the_tables_are_such_as_ffmpeg_reads() {
        let table = Transfer::Pq.light_table();
        let points = POINTS as usize;
        assert_eq!(table.lines().count(), points.pow(3) + 1);
        assert_eq!(table.lines().nth(1), Some("0.000000 0.000000 0.000000"));
        // Red is what changes first: at the end of the first row it is all there is.
        let row = table.lines().nth(points).expect("a line");
        let values: Vec<f64> = row
            .split(' ')
            .map(|value| value.parse().expect("a number"))
            .collect();
        assert!(
            values[0] > 0.99 && values[1] < 0.0 && values[2] < 0.0,
            "{row}"
        );
        let curve = curve_table();
        assert_eq!(curve.lines().last(), Some("1.000000 1.000000 1.000000"));
        assert_eq!(curve.lines().count(), CURVE_POINTS as usize + 1);
    }
}
