//! Clips whose pictures tell which they are: four coloured corners, and their number in bits
//! across the middle. They are computed here and only encoded by ffmpeg.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Bits of a picture's number.
const BITS: usize = 10;

/// BT.601, limited range: red, green, blue, yellow.
const CORNERS: [[u8; 3]; 4] = [[81, 90, 240], [145, 54, 34], [41, 240, 110], [210, 16, 146]];

/// What the corners are in red, green and blue.
pub(crate) const COLOURS: [[u8; 3]; 4] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]];

/// How a clip's pictures are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pictures: usize,
    pub(crate) rate: u32,
}

/// Ten seconds at 25 pictures a second.
pub(crate) const USUAL: Numbered = Numbered {
    width: 320,
    height: 180,
    pictures: 250,
    rate: 25,
};

impl Numbered {
    /// Has ffmpeg encode the pictures with `words`, separated by blanks, as `path`.
    pub(crate) fn make(self, path: &Path, words: &str) {
        let size = format!("{}x{}", self.width, self.height);
        let mut ffmpeg = Command::new("ffmpeg")
            .args("-v error -y -f rawvideo -pix_fmt yuv420p -s".split(' '))
            .args([&size, "-r", &self.rate.to_string(), "-i", "-"])
            .args(words.split_whitespace())
            .arg(path)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ffmpeg is installed");
        let mut stdin = ffmpeg.stdin.take().expect("piped");
        for number in 0..self.pictures {
            // How ffmpeg ends says more than a broken pipe.
            if stdin.write_all(&self.picture(number)).is_err() {
                break;
            }
        }
        drop(stdin);
        let output = ffmpeg.wait_with_output().expect("ffmpeg ends");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ffmpeg {words}: {complaints}");
    }

    /// One picture, as planes.
    fn picture(self, number: usize) -> Vec<u8> {
        let mut planes = Vec::with_capacity(self.width * self.height * 3 / 2);
        for (plane, shrink) in [(0, 1), (1, 2), (2, 2)] {
            let (width, height) = (self.width / shrink, self.height / shrink);
            for y in 0..height {
                planes.extend((0..width).map(|x| sample(number, plane, (x, y), (width, height))));
            }
        }
        planes
    }
}

/// Corners above and below, bits in the middle third.
fn sample(number: usize, plane: usize, (x, y): (usize, usize), size: (usize, usize)) -> u8 {
    let (width, height) = size;
    let right = usize::from(x >= width / 2);
    match y * 3 / height {
        0 => CORNERS[right][plane],
        2 => CORNERS[2 + right][plane],
        _ if plane > 0 => 128,
        _ if number >> (x * BITS / width) & 1 == 1 => 235,
        _ => 16,
    }
}

/// The number in a picture of red, green and blue, `width` by `height` pixels.
pub(crate) fn number(rgb: &[u8], width: usize, height: usize) -> usize {
    (0..BITS)
        .filter(|bit| {
            let x = (bit * 2 + 1) * width / (BITS * 2);
            rgb[(height / 2 * width + x) * 3 + 1] > 127
        })
        .map(|bit| 1 << bit)
        .sum()
}

/// The four corners of a picture: each the middle of its coloured field.
pub(crate) fn corners(rgb: &[u8], width: usize, height: usize) -> [[u8; 3]; 4] {
    [(1, 1), (3, 1), (1, 5), (3, 5)].map(|(x, y)| {
        let at = (y * height / 6 * width + x * width / 4) * 3;
        [rgb[at], rgb[at + 1], rgb[at + 2]]
    })
}
