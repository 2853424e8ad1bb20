//! What ffmpeg says of a video stream before it decodes any of it.
//!
//! The form is that of its `avcodec_string`:
//! `hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/bt2020/smpte2084, progressive),
//! 640x360 [SAR 64:45 DAR 5:2], 25 fps (default)`.

/// What is known of one video stream that is no cover.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct StreamFacts {
    /// The codec's name.
    pub(crate) codec: String,
    /// The pixel format's name, empty where it is not known.
    pub(crate) pixel_format: String,
    /// Width and height in samples, 0 where they are not known.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Whether the file says that all values are used, or not.
    pub(crate) range: Option<&'static str>,
    /// Names of the matrix, the primaries and the transfer, where the file says them.
    pub(crate) matrix: Option<String>,
    pub(crate) primaries: Option<String>,
    pub(crate) transfer: Option<String>,
    /// Whether pictures are made of two fields.
    pub(crate) interlaced: bool,
    /// Whether the file would have it shown before others.
    pub(crate) is_default: bool,
    /// Whether its transparency is coded beside the pictures (Matroska's `AlphaMode`).
    pub(crate) alpha_beside: bool,
    /// Whether the file would have its pictures turned or mirrored.
    pub(crate) has_display_matrix: bool,
}

impl StreamFacts {
    /// Reads what stands after `Video: `; `None` for a picture attached to the file.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.ends_with("(attached pic)") || text.contains("(attached pic) ") {
            return None;
        }
        let mut parts = top_level(text);
        let codec = parts.next()?.split(' ').next()?.to_owned();
        let pixels = parts.next().unwrap_or_default();
        let (pixel_format, details) = pixels.split_once('(').unwrap_or((pixels, ""));
        let mut facts = Self {
            codec,
            pixel_format: pixel_format.to_owned(),
            width: 0,
            height: 0,
            range: None,
            matrix: None,
            primaries: None,
            transfer: None,
            interlaced: false,
            is_default: text.contains("(default)"),
            alpha_beside: false,
            has_display_matrix: false,
        };
        for detail in details.trim_end_matches(')').split(", ") {
            facts.detail(detail);
        }
        let size = std::iter::once(pixels).chain(parts).find_map(size);
        (facts.width, facts.height) = size.unwrap_or_default();
        Some(facts)
    }

    fn detail(&mut self, detail: &str) {
        match detail {
            "tv" => self.range = Some("tv"),
            "pc" => self.range = Some("pc"),
            "" | "progressive" => {}
            _ if detail.ends_with(" bpc") => {}
            "top first"
            | "bottom first"
            | "top coded first (swapped"
            | "top coded first (swapped)"
            | "bottom coded first (swapped"
            | "bottom coded first (swapped)" => self.interlaced = true,
            colours => {
                let mut names = colours.split('/');
                let matrix = names.next().unwrap_or_default();
                // One name stands for all three.
                let primaries = names.next().unwrap_or(matrix);
                let transfer = names.next().unwrap_or(matrix);
                self.matrix = said(matrix);
                self.primaries = said(primaries);
                self.transfer = said(transfer);
            }
        }
    }

    /// How many pixels a picture has.
    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Whether colours are coded as brightness and differences.
    pub(crate) fn is_yuv(&self) -> bool {
        ["yuv", "nv", "p0", "p2", "uyvy", "yuyv", "y2"]
            .iter()
            .any(|start| self.pixel_format.starts_with(start))
    }
}

fn said(name: &str) -> Option<String> {
    (!matches!(name, "" | "unknown" | "reserved")).then(|| name.to_owned())
}

/// The parts between commas that are in no brackets.
fn top_level(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0
    })
    .map(str::trim)
}

/// Width and height of `320x240 [SAR 1:1 DAR 4:3]`.
fn size(part: &str) -> Option<(u32, u32)> {
    let (width, height) = part.split(' ').next()?.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_said_of_colours_and_fields() {
        let hdr = "hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/bt2020/smpte2084, \
                   progressive), 640x360 [SAR 64:45 DAR 5:2], 25 fps, 12800 tbn (default)";
        let facts = StreamFacts::parse(hdr).expect("a video");
        assert_eq!((facts.width, facts.height), (640, 360));
        assert_eq!(facts.pixel_format, "yuv420p10le");
        assert_eq!(facts.matrix.as_deref(), Some("bt2020nc"));
        assert_eq!(facts.primaries.as_deref(), Some("bt2020"));
        assert_eq!(facts.transfer.as_deref(), Some("smpte2084"));
        assert!(facts.is_default && !facts.interlaced);

        let tv = "mpeg2video (Main), yuv420p(tv, bt709, top first), 1440x1080 [SAR 4:3 DAR 16:9]";
        let facts = StreamFacts::parse(tv).expect("a video");
        assert!(facts.interlaced && !facts.is_default);
        assert_eq!(facts.transfer.as_deref(), Some("bt709"));

        let swapped = "h264, yuv420p(top coded first (swapped)), 720x576";
        assert!(StreamFacts::parse(swapped).expect("a video").interlaced);
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        let plain = "h264 (High) (avc1 / 0x31637661), yuv420p, 1280x720, 25 fps";
        let facts = StreamFacts::parse(plain).expect("a video");
        assert_eq!((facts.matrix, facts.width), (None, 1280));
        let half = "vp9, gbrp(tv, gbr/unknown/unknown), 320x240";
        let facts = StreamFacts::parse(half).expect("a video");
        assert_eq!(facts.matrix.as_deref(), Some("gbr"));
        assert_eq!((facts.primaries, facts.transfer), (None, None));
        let nothing = StreamFacts::parse("none (avc1 / 0x31637661), 1 kb/s").expect("a video");
        assert_eq!(nothing.pixels(), 0);
    }

    #[test]
    fn a_cover_is_no_video() {
        let cover = "mjpeg, yuvj420p(pc, bt470bg/unknown/unknown), 9000x9000 (attached pic)";
        assert_eq!(StreamFacts::parse(cover), None);
    }
}
