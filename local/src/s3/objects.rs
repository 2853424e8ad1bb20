//! Writing and deleting objects.

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    Error as DeleteError, Metadata, PutObjectInput, PutObjectOutput, ServerSideEncryption,
};
use s3s::{S3Error, S3ErrorCode, S3Request, s3_error};

use super::change::{place, unplace};
use super::checksums::{Algorithm, checksum_fields, set_checksum};
use super::conditions::WriteConditions;
use super::declared::{Declared, require_digest};
use super::error::{S3Failure, not_served};
use super::landing::Incoming;
use super::store::{self, meta_of};
use super::{Store, refuse};

/// The largest sum of user metadata: 2 KB.
const MAX_USER_META: usize = 2 * 1024;
const MAX_DELETES: usize = 1000;

impl Store {
    pub(super) async fn put(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> Result<PutObjectOutput, S3Failure> {
        let input = request.input;
        refuse::put_object(&input)?;
        let conditions = WriteConditions::new(input.if_match, input.if_none_match)?;
        let declared = Declared::read(
            input.content_md5.as_deref(),
            checksum_fields!(input),
            input
                .checksum_algorithm
                .as_ref()
                .map(s3s::dto::ChecksumAlgorithm::as_str),
            &request.headers,
        )?;
        let meta = meta_of!(input);
        let bucket = input.bucket.clone();
        self.read(move |c| store::require_bucket(c, &bucket))
            .await?;
        let landed = self
            .land(Incoming {
                body: input.body,
                length: input.content_length,
                declared: &declared,
                algorithm: declared.algorithm().unwrap_or(Algorithm::Crc64Nvme),
                trailers: request.trailing_headers.as_ref(),
            })
            .await?;
        let object = landed.as_object(meta, self.state.clock.now_ms());
        let mut output = PutObjectOutput {
            e_tag: Some(object.etag()),
            checksum_type: Some(object.checksum.kind()),
            server_side_encryption: Some(encrypted()),
            ..PutObjectOutput::default()
        };
        set_checksum!(output, Some(&object.checksum));
        let (bucket, key) = (input.bucket, input.key);
        self.write(Some(landed.received), move |connection, state| {
            let event = "s3:ObjectCreated:Put";
            let effects = place(
                connection,
                state,
                &bucket,
                &key,
                &object,
                &conditions,
                event,
            )?;
            Ok(((), effects))
        })
        .await?;
        Ok(output)
    }

    pub(super) async fn delete(
        &self,
        input: DeleteObjectInput,
    ) -> Result<DeleteObjectOutput, S3Failure> {
        refuse::version(input.version_id.as_deref())?;
        if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
            return Err(
                not_served("x-amz-if-match-size, x-amz-if-match-last-modified-time").into(),
            );
        }
        let conditions = WriteConditions::new(input.if_match, None)?;
        self.write(None, move |connection, state| {
            Ok((
                (),
                unplace(connection, state, &input.bucket, &input.key, &conditions)?,
            ))
        })
        .await?;
        Ok(DeleteObjectOutput::default())
    }

    pub(super) async fn delete_many(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> Result<DeleteObjectsOutput, S3Failure> {
        require_digest(&request.headers)?;
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.is_empty() || delete.objects.len() > MAX_DELETES {
            return Err(S3Error::new(S3ErrorCode::MalformedXML).into());
        }
        let place = bucket.clone();
        self.read(move |connection| store::require_bucket(connection, &place))
            .await?;
        let mut output = DeleteObjectsOutput::default();
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in delete.objects {
            let (bucket, key) = (bucket.clone(), object.key.clone());
            let conditions = refuse::entry(&object).and_then(|()| {
                let condition = object.e_tag.map(s3s::dto::ETagCondition::ETag);
                WriteConditions::new(condition, None)
            });
            let result = match conditions {
                Ok(conditions) => {
                    self.write(None, move |connection, state| {
                        Ok(((), unplace(connection, state, &bucket, &key, &conditions)?))
                    })
                    .await
                }
                Err(error) => Err(error.into()),
            };
            match result {
                Ok(()) => {
                    deleted.push(DeletedObject {
                        key: Some(object.key),
                        ..Default::default()
                    });
                }
                Err(S3Failure(error)) => errors.push(DeleteError {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key),
                    message: error.message().map(str::to_owned),
                    version_id: None,
                }),
            }
        }
        if !delete.quiet.unwrap_or_default() {
            output.deleted = Some(deleted);
        }
        output.errors = Some(errors);
        Ok(output)
    }
}

/// AWS encrypts everything and says so.
pub(super) fn encrypted() -> ServerSideEncryption {
    ServerSideEncryption::from_static(ServerSideEncryption::AES256)
}

/// `aws-chunked` is about the way here, not about the object.
pub(super) fn without_aws_chunked(encoding: &str) -> Option<String> {
    let codings: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|c| *c != "aws-chunked" && !c.is_empty())
        .collect();
    (!codings.is_empty()).then(|| codings.join(","))
}

pub(super) fn user_meta(
    metadata: Option<Metadata>,
) -> Result<std::collections::BTreeMap<String, String>, S3Error> {
    let metadata = metadata.unwrap_or_default();
    if metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>()
        > MAX_USER_META
    {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(s3_error!(MetadataTooLarge, "{message}"));
    }
    Ok(metadata.into_iter().collect())
}

pub(super) fn to_ms(at: s3s::dto::Timestamp) -> i64 {
    let at: time::OffsetDateTime = at.into();
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}
