//! A video as answers tell it: the same record wherever one is told.

use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::domain::{ExtractionOptions, Format, Hdr, Mode, Samples, Status, Video};
use crate::{Error, Result};
use lambda_anywhere::Response;

/// What is not in a segment of a path as it is (RFC 3986, section 2.3).
const NOT_IN_A_SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A video.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "Video")
)]
pub(crate) struct VideoView<'a> {
    video_id: &'a str,
    user_id: &'a str,
    status: Status,
    /// What its owner calls it; null for a job that named none.
    filename: Option<&'a str>,
    /// Length of the uploaded file in bytes.
    size: Option<u64>,
    /// Length of the zip in bytes.
    zip_size: Option<u64>,
    /// How many bytes of the file were read to make the zip.
    bytes_read: Option<u64>,
    /// Playing time in milliseconds, where it is known.
    duration_ms: Option<u64>,
    /// How many frames there are so far, or in the zip.
    frames: u64,
    /// How many moments have a frame in the zip: several may have the same.
    moments: Option<u64>,
    /// Percent done.
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    progress: u8,
    /// Why it failed.
    reason: Option<&'a str>,
    /// What is wrong with the frames that there are.
    warning: Option<&'a str>,
    /// How often it was queued again.
    retries: u32,
    options: OptionsView,
    /// When it was registered (RFC 3339).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    created_at: String,
    /// When the record last changed (RFC 3339).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    updated_at: String,
    links: Links,
}

/// The options of an extraction, all of them; they can be sent back as they are.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "VideoOptions")
)]
struct OptionsView {
    every_ms: u64,
    mode: Mode,
    format: Format,
    /// Null: as the operator has it.
    quality: Option<u8>,
    width: Option<u32>,
    from_ms: Option<u64>,
    to_ms: Option<u64>,
    repeat: bool,
    track: Option<u32>,
    samples: Samples,
    hdr: Hdr,
    strict: bool,
}

/// Paths of what there is of a video, on the service that told of it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Links {
    /// The record.
    #[serde(rename = "self")]
    own: String,
    /// The zip; null while there is none.
    download: Option<String>,
}

impl<'a> From<&'a Video> for VideoView<'a> {
    fn from(video: &'a Video) -> Self {
        let own = video_path(video);
        let is_done = video.status == Status::Done;
        Self {
            video_id: &video.video_id,
            user_id: &video.user_id,
            status: video.status,
            filename: video.filename.as_deref(),
            size: video.size,
            zip_size: video.zip_size,
            bytes_read: video.bytes_read,
            duration_ms: video.duration_ms,
            frames: video.frames,
            moments: video.moments,
            progress: video.progress,
            reason: video.reason.as_deref(),
            warning: video.warning.as_deref(),
            retries: video.round,
            options: OptionsView::from(&video.options),
            created_at: rfc3339(video.created_at),
            updated_at: rfc3339(video.updated_at),
            links: Links {
                download: is_done.then(|| format!("{own}/download")),
                own,
            },
        }
    }
}

impl From<&ExtractionOptions> for OptionsView {
    fn from(options: &ExtractionOptions) -> Self {
        let ExtractionOptions {
            every_ms,
            mode,
            format,
            quality,
            width,
            from_ms,
            to_ms,
            repeat,
            track,
            samples,
            hdr,
            strict,
        } = *options;
        Self {
            every_ms,
            mode,
            format,
            quality,
            width,
            from_ms,
            to_ms,
            repeat,
            track,
            samples,
            hdr,
            strict,
        }
    }
}

/// Where `status-service` tells of a video.
pub(super) fn video_path(video: &Video) -> String {
    let segment = |text: &str| utf8_percent_encode(text, &NOT_IN_A_SEGMENT).to_string();
    format!(
        "/videos/{}/{}",
        segment(&video.user_id),
        segment(&video.video_id)
    )
}

/// An answer that says where what it tells of is.
pub(super) fn with_location(mut response: Response, path: &str) -> Result<Response> {
    let location =
        HeaderValue::from_str(path).map_err(|error| Error::permanent(error.to_string()))?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// A time as it stands in answers: RFC 3339, UTC, milliseconds.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use lambda_anywhere::fields::Fields;

    use super::*;
    use crate::domain::Job;

    #[test]
    fn the_options_that_a_record_tells_can_be_sent_back() {
        let json =
            r#"{"video_id":"v 1","user_id":"u1","every_ms":500,"format":"png","from_ms":10}"#;
        let job = Job::from_json(json).expect("a job");
        let video = Video::new(&job, DateTime::UNIX_EPOCH);
        let told = serde_json::to_string(&VideoView::from(&video).options).expect("JSON");
        let request = http::Request::new(told.into());
        let sent: Result<ExtractionOptions> = Fields::of_body(&request).and_then(Fields::read);
        assert_eq!(sent, Ok(job.options));
        assert_eq!(video_path(&video), "/videos/u1/v%201");
    }
}
