//! Reading objects: get and head, with ranges, parts and conditions.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http_body_util::StreamBody;
use hyper::body::Frame;
use s3s::dto::{
    GetObjectInput, GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    HeadObjectInput, HeadObjectOutput, StreamingBlob,
};
use s3s::{S3Error, s3_error};

use super::checksums::set_checksum;
use super::conditions::read_conditions;
use super::error::{S3Failure, bad_request};
use super::meta::encrypted;
use super::refuse;
use super::rows::{Object, Piece, timestamp};
use super::store::Store;

/// Fills an answer's head; the outputs of `GetObject` and `HeadObject` share these fields.
macro_rules! describe {
    ($output:ident, $object:ident, $selected:ident, $checksum_mode:expr) => {{
        let meta = $object.meta.clone();
        let length = $selected.bytes.end - $selected.bytes.start;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = i64::try_from(length).ok();
        $output.content_type = Some(
            meta.content_type
                .unwrap_or_else(|| "binary/octet-stream".to_owned()),
        );
        $output.content_encoding = meta.content_encoding;
        $output.content_language = meta.content_language;
        $output.content_disposition = meta.content_disposition;
        $output.cache_control = meta.cache_control;
        $output.expires = meta.expires_ms.map(timestamp);
        $output.e_tag = Some($object.etag());
        $output.last_modified = Some($object.last_modified());
        $output.metadata = Some(meta.user.into_iter().collect());
        $output.parts_count = $selected.parts;
        $output.server_side_encryption = Some(encrypted());
        if $checksum_mode.is_some() && $selected.content_range.is_none() {
            set_checksum!($output, Some(&$object.checksum));
            $output.checksum_type = Some($object.checksum.kind());
        }
        $output.content_range = $selected.content_range;
    }};
}

impl Store {
    /// No object has tags here, as whatever would give it some is refused.
    pub(super) async fn tags(
        &self,
        input: GetObjectTaggingInput,
    ) -> Result<GetObjectTaggingOutput, S3Failure> {
        refuse::version(input.version_id.as_deref())?;
        self.find(&input.bucket, &input.key).await?;
        Ok(GetObjectTaggingOutput::default())
    }

    pub(super) async fn get(&self, input: GetObjectInput) -> Result<GetObjectOutput, S3Failure> {
        refuse::version(input.version_id.as_deref())?;
        let conditions = read_conditions!(input);
        let (object, selected, body) = loop {
            let object = self.find(&input.bucket, &input.key).await?;
            conditions.check(&object)?;
            let selected = select(&object, input.range, input.part_number)?;
            let bytes = selected.bytes.clone();
            match self
                .blobs
                .read(object.stretches(bytes.start, bytes.end))
                .await
            {
                Ok(body) => break (object, selected, body),
                // Replaced or deleted since its row was read: look again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if self.still_there(&input.bucket, &input.key, &object).await? {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        };
        let mut output = GetObjectOutput::default();
        describe!(output, object, selected, input.checksum_mode);
        output.body = Some(streaming(body));
        Ok(output)
    }

    async fn still_there(&self, bucket: &str, key: &str, seen: &Object) -> Result<bool, S3Failure> {
        let now = self.find(bucket, key).await?;
        Ok(now.body == seen.body)
    }

    pub(super) async fn head(&self, input: HeadObjectInput) -> Result<HeadObjectOutput, S3Failure> {
        refuse::version(input.version_id.as_deref())?;
        let conditions = read_conditions!(input);
        let object = self.find(&input.bucket, &input.key).await?;
        conditions.check(&object)?;
        let selected = select(&object, input.range, input.part_number)?;
        let mut output = HeadObjectOutput::default();
        describe!(output, object, selected, input.checksum_mode);
        Ok(output)
    }
}

/// The bytes that a read asks for.
pub(super) struct Selected {
    pub(super) bytes: Range<u64>,
    /// Of a partial answer: `bytes 0-4/10`.
    pub(super) content_range: Option<String>,
    /// Of an answer by part.
    pub(super) parts: Option<i32>,
}

fn select(
    object: &Object,
    range: Option<s3s::dto::Range>,
    part: Option<i32>,
) -> Result<Selected, S3Error> {
    let size = object.size;
    let bytes = match (range, part) {
        (Some(_), Some(_)) => {
            let message = "Cannot specify both Range header and partNumber query parameter";
            return Err(s3_error!(InvalidRequest, "{message}"));
        }
        (None, None) => {
            return Ok(Selected {
                bytes: 0..size,
                content_range: None,
                parts: None,
            });
        }
        (Some(range), None) => range.check(size).map_err(|_| out_of_range(size))?,
        (None, Some(part)) => part_range(object, part)?,
    };
    let last = bytes.end.saturating_sub(1);
    let content_range = (size > 0).then(|| format!("bytes {}-{last}/{size}", bytes.start));
    let parts = part.and_then(|_| i32::try_from(object.body.len()).ok());
    Ok(Selected {
        bytes,
        content_range,
        parts: parts.filter(|_| object.upload.is_some()),
    })
}

fn part_range(object: &Object, part: i32) -> Result<Range<u64>, S3Error> {
    let index = usize::try_from(part - 1)
        .ok()
        .filter(|index| *index < object.body.len());
    let Some(index) = index else {
        let code = "InvalidPartNumber";
        let mut error = bad_request(code, "The requested partnumber is not satisfiable");
        error.set_status_code(http::StatusCode::RANGE_NOT_SATISFIABLE);
        return Err(error);
    };
    let start = object.body[..index]
        .iter()
        .map(|Piece(_, size)| size)
        .sum::<u64>();
    Ok(start..start + object.body[index].1)
}

fn out_of_range(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = format!("bytes */{size}").parse() {
        headers.insert(http::header::CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

pub(super) fn streaming(
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> StreamingBlob {
    let frames = body.map(|piece| piece.map(Frame::data));
    StreamingBlob::from(s3s::Body::http_body_unsync(StreamBody::new(frames)))
}
