//! One picture of our own made into a JPEG, by an ffmpeg that reads and writes pipes.

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use crate::error::ExtractError;
use crate::ffmpeg::arguments::{before_input, one_jpeg};
use crate::ffmpeg::nut::NutReader;
use crate::ffmpeg::process::{Reads, Running};
use crate::ffmpeg::program::Ffmpeg;
use crate::limits::Limits;
use crate::options::{Format, Options};

/// From planes (`yuvj420p`) of this width and height, each `shrink` times as long as it is to be.
pub(crate) async fn from_planes(
    ffmpeg: &Ffmpeg,
    options: &Options,
    (width, height): (u32, u32),
    planes: Vec<u8>,
    shrink: u32,
    quality: u8,
) -> Result<Bytes, ExtractError> {
    let size = format!("{width}x{height}");
    let input = [
        "-f",
        "rawvideo",
        "-pixel_format",
        "yuvj420p",
        "-video_size",
        &size,
    ];
    let filters = format!("scale=iw/{shrink}:ih/{shrink}:flags=area,format=yuvj420p");
    to_jpeg(
        ffmpeg,
        options,
        "rawvideo",
        &input,
        planes.into(),
        &filters,
        quality,
    )
    .await
}

/// From an image in the format of `options`.
pub(crate) async fn from_image(
    ffmpeg: &Ffmpeg,
    options: &Options,
    image: Bytes,
    quality: u8,
) -> Result<Bytes, ExtractError> {
    let codec = match options.format {
        Format::Jpg => "mjpeg",
        Format::Png => "png",
        Format::Webp => "webp",
    };
    let input = ["-f", "image2pipe", "-c:v", codec];
    let filters = "scale=out_color_matrix=bt601:out_range=pc:flags=area+accurate_rnd,\
                   format=yuvj420p|yuvj422p|yuvj444p";
    to_jpeg(
        ffmpeg,
        options,
        "image2pipe",
        &input,
        image,
        filters,
        quality,
    )
    .await
}

async fn to_jpeg(
    ffmpeg: &Ffmpeg,
    options: &Options,
    demuxer: &str,
    input: &[&str],
    bytes: Bytes,
    filters: &str,
    quality: u8,
) -> Result<Bytes, ExtractError> {
    // It is ours, however large a video's pictures may be.
    let limits = &Limits {
        pixels: Limits::default().pixels.max(options.limits.pixels),
        ..options.limits.clone()
    };
    let mut words = before_input(ffmpeg, limits, demuxer, "pipe");
    words.extend(input.iter().map(Into::into));
    words.extend(["-i", "pipe:0"].map(Into::into));
    words.extend(one_jpeg(filters, quality));
    let mut running = Running::start(ffmpeg, limits, Reads::Written, &[], words)?;
    let machine = |why: &str| ExtractError::Machine(format!("a still picture: {why}"));
    let (Some(mut stdin), Some(stdout)) = (running.stdin.take(), running.stdout.take()) else {
        return Err(machine("ffmpeg has no pipes"));
    };
    let mut nut = NutReader::new(stdout, limits.pixels.saturating_mul(8));
    let feed = async move {
        // How it ended says more than that it closed its input.
        let _ = stdin.write_all(&bytes).await;
    };
    let ((), jpeg) = tokio::join!(feed, nut.next());
    drop(nut);
    let ended = running.wait().await?;
    match jpeg {
        Ok(Some(frame)) if ended.status.success() => Ok(frame.data),
        _ => {
            let said = ended.log.first.first().map(String::as_str);
            Err(machine(said.unwrap_or("ffmpeg gave none")))
        }
    }
}
