//! Writing and deleting objects.

use http::Method;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    Error as DeleteError, PutObjectInput, PutObjectOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request};

use super::checksums::{Algorithm, checksum_fields, set_checksum};
use super::conditions::WriteConditions;
use super::error::{S3Failure, not_served};
use super::ingest::{Declared, Incoming, require_digest};
use super::meta::{encrypted, meta_of};
use super::refuse;
use super::rows;
use super::store::{Store, delete_row, put_row};

const MAX_DELETES: usize = 1000;

impl Store {
    pub(super) async fn put(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> Result<PutObjectOutput, S3Failure> {
        let input = request.input;
        let is_form = request.method == Method::POST;
        if is_form && input.key.contains("${filename}") {
            return Err(not_served("${filename} in the key of a form").into());
        }
        let event = if is_form {
            "s3:ObjectCreated:Post"
        } else {
            "s3:ObjectCreated:Put"
        };
        refuse::put_object(&input)?;
        let conditions = WriteConditions::new(input.if_match, input.if_none_match)?;
        let declared = Declared::from_headers(
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
        self.read(move |c| rows::require_bucket(c, &bucket)).await?;
        let ingested = self
            .ingest(Incoming {
                body: input.body,
                length: input.content_length,
                declared: &declared,
                algorithm: declared.algorithm().unwrap_or(Algorithm::Crc64Nvme),
                trailers: request.trailing_headers.as_ref(),
            })
            .await?;
        let object = ingested.as_object(meta, self.context.clock.now_ms());
        let mut output = PutObjectOutput {
            e_tag: Some(object.etag()),
            checksum_type: Some(object.checksum.kind()),
            server_side_encryption: Some(encrypted()),
            ..PutObjectOutput::default()
        };
        set_checksum!(output, Some(&object.checksum));
        let (bucket, key) = (input.bucket, input.key);
        self.write(Some(ingested.received), move |connection, store| {
            let effects = put_row(
                connection,
                store,
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
        self.write(None, move |connection, store| {
            Ok((
                (),
                delete_row(connection, store, &input.bucket, &input.key, &conditions)?,
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
        let name = bucket.clone();
        self.read(move |connection| rows::require_bucket(connection, &name))
            .await?;
        let mut output = DeleteObjectsOutput::default();
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in delete.objects {
            let (bucket, key) = (bucket.clone(), object.key.clone());
            let conditions = refuse::delete_entry(&object).and_then(|()| {
                let condition = object.e_tag.map(s3s::dto::ETagCondition::ETag);
                WriteConditions::new(condition, None)
            });
            let result = match conditions {
                Ok(conditions) => {
                    self.write(None, move |connection, store| {
                        Ok((
                            (),
                            delete_row(connection, store, &bucket, &key, &conditions)?,
                        ))
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
