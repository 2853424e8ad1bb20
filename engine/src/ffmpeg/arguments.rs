//! The arguments of ffmpeg's command line.

use std::ffi::OsString;

use crate::ffmpeg::layout::{ASPECT_UNIT, Coded, Layout};
use crate::ffmpeg::presentation::Presentation;
use crate::ffmpeg::program::Ffmpeg;
use crate::limits::Limits;
use crate::options::{Format, Mode, Options};
use crate::plan::moments::Moments;
use crate::previews::thumbnail_box;

/// More streams than any honest video has make ffmpeg's probing slow.
const MAX_STREAMS: &str = "64";

/// Added to all times in ffmpeg's output, in nanoseconds, as NUT knows none below zero: 27 hours. With
/// the times themselves it must stay below 2⁵³, up to which doubles count nanoseconds exactly.
pub(crate) const ORIGIN: i64 = 100_000_000_000_000;

/// For how long the last frame is repeated at most, in milliseconds, so that it is on screen at the
/// next moment too.
const MAX_REPEATED: i128 = 600_000;

/// What stands before `-i`: nothing but these demuxers and protocols, no larger picture.
pub(crate) fn before_input(
    ffmpeg: &Ffmpeg,
    limits: &Limits,
    demuxers: &str,
    protocols: &str,
) -> Vec<OsString> {
    let threads = ffmpeg.threads.to_string();
    // ffmpeg holds its padded buffers against this; the picture itself is checked when it is known.
    let pixels = limits.pixels.saturating_mul(5) / 4 + (1 << 20);
    let pixels = pixels.min(i32::MAX as u64).to_string();
    [
        ["-threads", &threads],
        ["-protocol_whitelist", protocols],
        ["-format_whitelist", demuxers],
        ["-max_pixels", &pixels],
        ["-max_streams", MAX_STREAMS],
        // Filters keep what they know when the picture's size changes on the way.
        ["-reinit_filter", "0"],
    ]
    .as_flattened()
    .iter()
    .map(OsString::from)
    .collect()
}

/// Where the clock of the frames' times has its zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zero {
    /// Where ffmpeg has it.
    Input,
    /// At [`ORIGIN`], which has been added to the input's times.
    Origin,
    /// At the first picture.
    FirstPicture,
}

/// What is done about pictures of other sizes than the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// All are scaled to the size of the first; the log tells of others.
    First,
    /// The same, and the size of each is told.
    Told,
    /// All are made as those that are coded so.
    Only(Coded),
}

impl Sizes {
    /// What ffmpeg then gives.
    pub(crate) fn layout(self) -> Layout {
        match self {
            Self::First | Self::Only(_) => Layout::TimesAndPictures,
            Self::Told => Layout::SizesAndPictures,
        }
    }
}

/// What stands after the input where the frame on screen at each moment is wanted: the time of every
/// frame in one stream, the chosen pictures in another, each with the time at which the next begins.
///
/// A frame is known to be on screen at a moment once the next one begins behind it. `tblend` is
/// what gives the frame before the current one; it is asked to only where that is wanted, and
/// else lets frames pass. At the end the last frame is repeated.
pub(crate) fn on_screen(
    options: &Options,
    moments: &Moments,
    zero: Zero,
    presentation: &Presentation,
    sizes: Sizes,
) -> Vec<OsString> {
    let keyframes = match options.mode {
        Mode::Exact => "",
        // Not every decoder leaves the others out.
        Mode::Keyframe => "select=key,",
    };
    let tags = presentation.tags();
    let steady = steady_times(zero);
    let repeated = moments.every_millis().clamp(2000, MAX_REPEATED) + 200;
    let (enable, select) = (
        begins_behind_moment(moments, "round(t*1000000000)", 1),
        begins_behind_moment(moments, "pts", 0),
    );
    let stream = presentation.map();
    let neighbours = presentation.before_choice(options);
    let picture = presentation.after_choice(options);
    let pictures_and_thumbnails = pictures_and_thumbnails(options);
    // It keeps all pictures at one size, as `tblend` must have it, and costs nothing where they are.
    let size = match sizes {
        Sizes::First | Sizes::Told => "scale".to_owned(),
        Sizes::Only(coded) => format!(
            "setsar=1,scale={}:{},setsar={}/{ASPECT_UNIT}:max={ASPECT_UNIT}",
            coded.width, coded.height, coded.aspect
        ),
    };
    let (branches, times) = match sizes {
        Sizes::First | Sizes::Only(_) => (
            "[t]",
            "[t]crop=1:1:0:0:exact=1,format=gray[times];".to_owned(),
        ),
        // A packet of two lines says the width, one of two columns the height, and one more the aspect.
        Sizes::Told => {
            let aspect = format!("clip(round(sar*{ASPECT_UNIT}),1,{})", ASPECT_UNIT * 16);
            let told = [
                ("w", "iw", "2", "times"),
                ("h", "2", "ih", "heights"),
                ("a", &aspect, "2", "aspects"),
            ];
            let told = told.map(|(from, width, height, to)| {
                format!(
                    "[{from}]scale=w='{width}':h={height}:eval=frame:flags=neighbor,\
                     format=gray[{to}];"
                )
            });
            ("[w][h][a]", told.concat())
        }
    };
    let outputs = branches.len() / 3 + 1;
    let graph = format!(
        "[{stream}]{keyframes}{tags}settb=1/1000000000,setpts='{steady}',split={outputs}{branches}[p];\
         {times}\
         [p]{size},{neighbours}tpad=stop_mode=clone:stop_duration={repeated}ms,\
         tblend=all_opacity=0:enable='{enable}',select='{select}',{picture}{pictures_and_thumbnails}"
    );
    let mut arguments: Vec<OsString> = ["-filter_complex", &graph, "-map", "[times]"]
        .map(Into::into)
        .into();
    match sizes {
        Sizes::First | Sizes::Only(_) => {}
        Sizes::Told => {
            // What is not to be one size is not to be made one.
            arguments.extend(
                ["-map", "[heights]", "-map", "[aspects]", "-autoscale", "0"].map(Into::into),
            );
            arguments.extend(["-c:v:1", "rawvideo", "-c:v:2", "rawvideo"].map(Into::into));
        }
    }
    arguments.extend(["-map", "[pictures]", "-c:v:0", "rawvideo"].map(Into::into));
    arguments.extend(encoders(options, sizes.layout()));
    arguments.extend(output());
    arguments
}

/// What stands after an input in which the wanted frames are marked by odd times.
pub(crate) fn marked(options: &Options, presentation: &Presentation) -> Vec<OsString> {
    let fields = presentation.before_choice(options);
    let picture = presentation.after_choice(options);
    let pictures_and_thumbnails = pictures_and_thumbnails(options);
    let graph = format!(
        "[0:V:0]select='mod(pts,2)',settb=1/1000000000,setpts=PTS+{ORIGIN},\
         {fields}{picture}{pictures_and_thumbnails}"
    );
    let mut arguments: Vec<OsString> = ["-filter_complex", &graph, "-map", "[pictures]"]
        .map(Into::into)
        .into();
    arguments.extend(encoders(options, Layout::Pictures));
    arguments.extend(output());
    arguments
}

/// What the chain of filters ends with: the pictures, and beside them small ones where they are wanted.
fn pictures_and_thumbnails(options: &Options) -> String {
    let Some(most) = thumbnail_box(options) else {
        return "[pictures]".into();
    };
    // Even, as half of it is the width of the colours' planes.
    let length = |ratio: &str| format!("max(2,trunc(min({most},{most}*{ratio})/2)*2)");
    let (width, height) = (length("iw/ih"), length("ih/iw"));
    format!(
        ",split[pictures][large];[large]scale=w='{width}':h='{height}':flags=area:\
         out_color_matrix=bt601:out_range=pc,setsar=1,format=yuvj420p[thumbnails]"
    )
}

/// The encoders of the pictures, and of the thumbnails where they are wanted, which are mapped here.
fn encoders(options: &Options, layout: Layout) -> Vec<OsString> {
    let pictures = layout.pictures();
    let mut arguments = encoder(options, &format!("v:{pictures}"));
    if thumbnail_box(options).is_some() {
        let codec = format!("-c:v:{}", pictures + 1);
        arguments.extend(["-map", "[thumbnails]", &codec, "rawvideo"].map(Into::into));
    }
    arguments
}

/// The encoder of the stream `stream`. A JPEG encoder's threads would make its output differ from
/// run to run.
fn encoder(options: &Options, stream: &str) -> Vec<OsString> {
    let webp_quality = webp_quality(options.quality).to_string();
    let settings: &[(&str, &str)] = match options.format {
        Format::Jpg => return jpeg(stream, options.quality),
        Format::Png => &[("c", "png"), ("threads", "1")],
        Format::Webp => &[
            ("c", "libwebp"),
            ("quality", &webp_quality),
            // NUT knows no name for it.
            ("tag", "WEBP"),
        ],
    };
    with_values(stream, settings)
}

fn jpeg(stream: &str, quality: u8) -> Vec<OsString> {
    let settings = [
        ("c", "mjpeg"),
        ("threads", "1"),
        ("q", &quality.to_string()),
        ("huffman", "optimal"),
    ];
    with_values(stream, &settings)
}

fn with_values(stream: &str, settings: &[(&str, &str)]) -> Vec<OsString> {
    let settings = settings
        .iter()
        .flat_map(|(name, value)| [format!("-{name}:{stream}"), (*value).to_owned()]);
    settings.map(Into::into).collect()
}

/// What stands after an input of which one picture is made into a JPEG.
pub(crate) fn one_jpeg(filters: &str, quality: u8) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-vf", filters, "-frames:v", "1"].map(Into::into).into();
    arguments.extend(jpeg("v:0", quality));
    arguments.extend(output());
    arguments
}

/// libwebp's quality, from 100 down, of a JPEG's quantiser from 2 up.
fn webp_quality(quantiser: u8) -> u8 {
    // The usual 3 is 90, the worst is 23.
    97_u16
        .saturating_sub(u16::from(quantiser) * 29 / 12)
        .min(100) as u8
}

/// Every frame, with its exact time, as NUT on standard output.
fn output() -> Vec<OsString> {
    let arguments = "-map_metadata -1 -fps_mode passthrough -enc_time_base 1:1000000000 \
                     -f nut -write_index 0 pipe:1";
    arguments.split_whitespace().map(Into::into).collect()
}

/// The time of a frame, in nanoseconds, as an expression of `setpts`. A frame whose time does not
/// follow that of the one before it follows at the last distance, or at the one before where that was
/// shorter (a damaged time may lie far ahead), until the file's own times have caught up; so does one
/// without a time.
fn steady_times(zero: Zero) -> String {
    // 0: the last time given, 1: the last distance, 2: whether times are behind, 3: how many frames
    // there were, up to two, 4: the time of this one, 5: the time of the first, 6: the distance before
    // the last.
    let zero = match zero {
        Zero::Input => "0".to_owned(),
        Zero::Origin => ORIGIN.to_string(),
        Zero::FirstPicture => "if(ld(3),ld(5),st(5,PTS))".to_owned(),
    };
    format!(
        "st(4,if(isnan(PTS),if(ld(3),ld(0)+ld(1),0),PTS-{zero}));\
         if(ld(3),\
         st(2,lte(ld(4),ld(0))+ld(2)*lt(ld(4),ld(0)+ld(1)));\
         if(ld(2),\
         if(gt(ld(3),1),st(1,min(ld(1),ld(6))));st(4,ld(0)+ld(1)),\
         if(gt(ld(3),1),st(6,ld(1)),st(6,ld(4)-ld(0)));st(1,ld(4)-ld(0));st(3,2)),\
         st(1,1);st(3,1));\
         st(0,ld(4));ld(0)+{ORIGIN}"
    )
}

/// Whether a frame that begins at `time` is the first to begin behind a moment, as an expression. It
/// may be asked more than once of the same frame, as `enable` is. The `unseen` first frames are
/// let out: `tblend` gives nothing for the first, so that `select` does not see it.
fn begins_behind_moment(moments: &Moments, time: &str, unseen: u8) -> String {
    const NANOS: i128 = 1_000_000;

    let from = moments.first_millis() * NANOS + i128::from(ORIGIN);
    let every = moments.every_millis() * NANOS;
    let total = moments.total().unwrap_or(1 << 50);
    // 0: how many moments there are before it, 1: the answer, 2: how many there were before the last,
    // 3: the time of which 1 is the answer (no time is zero), 4: how many frames have been let out.
    format!(
        "if(eq(t,ld(3)),ld(1),\
         st(3,t);\
         if(gte(ld(4),{unseen}),\
         st(0,clip(ceil(({time}-{from})/{every}),0,{total}));\
         st(1,gt(ld(0),ld(2)));st(2,ld(0)),\
         st(4,ld(4)+1));\
         ld(1))"
    )
}
