//! A colour chart in every system that videos use, against values computed from the standards:
//! BT.601, BT.709 and BT.2020 for the signal, sRGB for what is stored, SMPTE ST 2084 (PQ) and
//! ARIB STD-B67 (HLG), with BT.2408's 203 cd/m² for the white of HDR.

mod chart;
mod judge;
mod support;

use std::fmt::Write;

use chart::{Chart, Curve, PATCHES, Range, Space};
use fotograma_engine::{Format, Options};
use judge::shots::{pixels, shots};
use support::{every, folder};

/// The worst difference in an SDR chart must be less.
const SDR: f64 = 4.0;

/// The same for HDR, whose highlights are rolled off a little below white.
const HDR: f64 = 10.0;

/// Where a colour is dark in a bright HDR patch, a step of the signal's 10 bits in the bright ones
/// moves it by as much as 13 of 255.
const DARK: (u8, f64) = (20, 20.0);

fn charts() -> Vec<Chart> {
    let mut charts = Vec::new();
    let usual = Chart {
        space: Space::Bt601,
        range: Range::Limited,
        curve: Curve::Sdr,
        bits: 8,
        tagged: true,
        width: 384,
        height: 256,
    };
    for bits in [8, 10] {
        for range in [Range::Limited, Range::Full] {
            for space in [Space::Bt601, Space::Bt709, Space::Bt2020] {
                charts.push(Chart {
                    space,
                    range,
                    bits,
                    ..usual
                });
            }
        }
        // What no tag names is taken as players take it: by its number of lines.
        charts.push(Chart {
            bits,
            tagged: false,
            ..usual
        });
        charts.push(Chart {
            bits,
            tagged: false,
            space: Space::Bt709,
            width: 1280,
            height: 720,
            ..usual
        });
    }
    for curve in [Curve::Pq, Curve::Hlg] {
        charts.push(Chart {
            space: Space::Bt2020,
            curve,
            bits: 10,
            ..usual
        });
    }
    charts
}

/// The worst difference of a patch's mean from what it should be, and the patch; that of dark
/// components as a share of what is allowed to them in HDR.
fn worst(image: &[u8], curve: Curve) -> (f64, [u8; 3]) {
    let picture = pixels(image);
    let (width, height) = (picture.width, picture.height);
    let error = |(patch, right): (usize, &[u8; 3])| {
        let (across, down) = Chart::middle(patch, width, height);
        let mean = |component: usize| {
            let mut sum = 0.0;
            for y in down.clone() {
                for x in across.clone() {
                    sum += f64::from(picture.rgb[(y * width + x) * 3 + component]);
                }
            }
            let count = u32::try_from(across.len() * down.len()).expect("it fits");
            sum / f64::from(count)
        };
        let errors = (0..3).map(|component| {
            let error = (mean(component) - f64::from(right[component])).abs();
            let is_dark = curve != Curve::Sdr && right[component] <= DARK.0;
            if is_dark { error * HDR / DARK.1 } else { error }
        });
        (errors.fold(0.0, f64::max), *right)
    };
    let errors = PATCHES.iter().enumerate().map(error);
    errors.max_by(|a, b| a.0.total_cmp(&b.0)).expect("patches")
}

#[tokio::test]
async fn a_chart_has_the_colours_of_the_standards() {
    let folder = folder();
    let file = folder.path().join("chart.mp4");
    let mut wrong = Vec::new();
    println!(
        "worst error of 255, and in which colour\n{:42} {:24} png",
        "", "jpg"
    );
    for chart in charts() {
        chart.make(&file);
        let mut line = format!("{:42}", chart.to_string());
        for format in [Format::Jpg, Format::Png] {
            let options = Options {
                format,
                ..every(1000)
            };
            let shots = shots(&file, &options).await.expect("a frame");
            let (error, patch) = worst(&shots.images[0].1, chart.curve);
            let cell = format!("{error:.1} {patch:?}");
            // Writing to a string cannot fail.
            let _ = write!(line, " {cell:24}");
            let limit = if chart.curve == Curve::Sdr { SDR } else { HDR };
            if error >= limit {
                wrong.push(format!("{chart} {format:?}: {error:.1} in {patch:?}"));
            }
        }
        println!("{line}");
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn a_png_says_its_colours_and_has_eight_bits() {
    let folder = folder();
    let path = folder.path().join("chart.mp4");
    for chart in charts().into_iter().filter(|chart| chart.bits == 10) {
        chart.make(&path);
        let options = Options {
            format: Format::Png,
            ..every(1000)
        };
        let shots = shots(&path, &options).await.expect("a frame");
        let image = &shots.images[0].1;
        // IHDR: bit depth, then colour type 2, red, green and blue.
        assert_eq!(image[24..26], [8, 2], "{chart}");
        let says = |kind: &[u8; 4]| image.windows(4).any(|chunk| chunk == kind);
        assert!(says(b"sRGB") || says(b"cICP"), "{chart}");
    }
}
