//! Copies: of an object, and of a stretch of one as a part.

use s3s::dto::{
    ChecksumAlgorithm, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult,
    CopySource, MetadataDirective, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Error, S3Request, s3_error};

use super::checksums::{Algorithm, hex, set_checksum};
use super::conditions::{WriteConditions, read_conditions};
use super::error::{S3Failure, not_served};
use super::ingest::{Declared, Incoming, IngestedBody};
use super::meta::{encrypted, meta_of};
use super::reading::streaming;
use super::refuse;
use super::rows::{Object, Piece, timestamp};
use super::store::{Store, put_row};

impl Store {
    pub(super) async fn copy(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> Result<CopyObjectOutput, S3Failure> {
        let conditions = WriteConditions::from_headers(&request.headers)?;
        let input = request.input;
        refuse::copy_object(&input)?;
        let (from_bucket, from_key) = source(&input.copy_source)?;
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !replace && (&from_bucket, &from_key) == (&input.bucket, &input.key) {
            let message = "This copy request is illegal because it is trying to copy an object to \
                           itself without changing the object's metadata, storage class, website \
                           redirect location or encryption attributes.";
            return Err(s3_error!(InvalidRequest, "{message}").into());
        }
        let object = self.find(&from_bucket, &from_key).await?;
        read_conditions!(source of input).check_source(&object)?;
        let asked = input
            .checksum_algorithm
            .as_ref()
            .map(ChecksumAlgorithm::as_str);
        let algorithm = match asked {
            Some(name) => Algorithm::parse(name)?,
            None => object.checksum.algorithm,
        };
        let meta = if replace {
            meta_of!(input)
        } else {
            object.meta.clone()
        };
        let now = self.context.clock.now_ms();
        let (received, copy) = if let Some(name) = shareable(&object, algorithm) {
            // The bytes never change, so two objects can share them.
            let received = self.blobs.link(name).await?;
            let body = vec![Piece(received.name.clone(), received.size)];
            (
                received,
                Object {
                    meta,
                    modified_ms: now,
                    body,
                    upload: None,
                    ..object
                },
            )
        } else {
            let size = object.size;
            let ingested = self.ingest_copy(&object, 0, size, algorithm).await?;
            let copy = ingested.as_object(meta, now);
            (ingested.received, copy)
        };
        let mut result = CopyObjectResult {
            e_tag: Some(copy.etag()),
            last_modified: Some(timestamp(now)),
            checksum_type: Some(copy.checksum.kind()),
            ..CopyObjectResult::default()
        };
        set_checksum!(result, Some(&copy.checksum));
        let (bucket, key) = (input.bucket, input.key);
        self.write(Some(received), move |connection, store| {
            let event = "s3:ObjectCreated:Copy";
            let effects = put_row(connection, store, &bucket, &key, &copy, &conditions, event)?;
            Ok(((), effects))
        })
        .await?;
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            server_side_encryption: Some(encrypted()),
            ..CopyObjectOutput::default()
        })
    }

    pub(super) async fn copy_part(
        &self,
        input: UploadPartCopyInput,
    ) -> Result<UploadPartCopyOutput, S3Failure> {
        let agreed = self
            .agreed(
                &input.upload_id,
                &input.bucket,
                &input.key,
                input.part_number,
            )
            .await?;
        let (from_bucket, from_key) = source(&input.copy_source)?;
        let object = self.find(&from_bucket, &from_key).await?;
        read_conditions!(source of input).check_source(&object)?;
        let (from, until) = match &input.copy_source_range {
            None => (0, object.size),
            Some(range) => stretch(range, object.size)?,
        };
        let ingested = self
            .ingest_copy(&object, from, until, agreed.algorithm)
            .await?;
        let mut result = CopyPartResult {
            e_tag: Some(s3s::dto::ETag::Strong(hex(&ingested.md5))),
            last_modified: Some(timestamp(self.context.clock.now_ms())),
            ..CopyPartResult::default()
        };
        set_checksum!(result, Some(&ingested.checksum));
        self.save_part(
            input.upload_id,
            input.bucket,
            input.key,
            input.part_number,
            ingested,
        )
        .await?;
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            server_side_encryption: Some(encrypted()),
            ..UploadPartCopyOutput::default()
        })
    }

    async fn ingest_copy(
        &self,
        object: &Object,
        from: u64,
        until: u64,
        algorithm: Algorithm,
    ) -> Result<IngestedBody, S3Failure> {
        let body = self.blobs.read(object.stretches(from, until)).await?;
        self.ingest(Incoming {
            body: Some(streaming(body)),
            length: i64::try_from(until - from).ok(),
            declared: &Declared::default(),
            algorithm,
            trailers: None,
        })
        .await
    }
}

/// The one file of an object whose tag and checksum a copy would have as well.
fn shareable(object: &Object, algorithm: Algorithm) -> Option<&str> {
    let alike = object.upload.is_none() && object.checksum.algorithm == algorithm;
    match object.body.as_slice() {
        [Piece(name, _)] if alike => Some(name),
        _ => None,
    }
}

fn source(source: &CopySource) -> Result<(String, String), S3Error> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id,
        } => {
            refuse::version(version_id.as_deref())?;
            Ok((bucket.to_string(), key.to_string()))
        }
        CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
            Err(not_served("x-amz-copy-source with an access point"))
        }
    }
}

/// `bytes=first-last`, whole within the source.
fn stretch(range: &str, size: u64) -> Result<(u64, u64), S3Error> {
    let bounds = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'));
    let bounds = bounds.and_then(|(first, last)| {
        Some((
            first.parse::<u64>().ok()?,
            last.parse::<u64>().ok()?.checked_add(1)?,
        ))
    });
    match bounds {
        Some((from, until)) if from < until && until <= size => Ok((from, until)),
        Some((from, until)) if from < until => Err(s3_error!(
            InvalidArgument,
            "Range specified is not valid for source object of size: {size}"
        )),
        _ => Err(s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first \
             and last are the zero-based offsets of the first and last bytes to copy"
        )),
    }
}
