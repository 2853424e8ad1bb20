//! Multipart uploads and their parts, until they are completed or aborted.

use rusqlite::{OptionalExtension as _, params};
use s3s::dto::{
    AbortMultipartUploadInput, ChecksumAlgorithm, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, s3_error};
use uuid::Uuid;

use super::change::Effects;
use super::checksums::{Algorithm, checksum_fields, set_checksum};
use super::declared::Declared;
use super::error::{S3Failure, no_such_upload, not_served};
use super::landing::{Incoming, Landed};
use super::objects::{encrypted, hex};
use super::store::{self, meta_of};
use super::upload::{Agreed, parts, remove, upload};
use super::{Store, refuse};

const MAX_PARTS: i32 = 10_000;

impl Store {
    pub(super) async fn create_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> Result<CreateMultipartUploadOutput, S3Failure> {
        refuse::create_upload(&input)?;
        let agreed = Agreed::read(
            input.checksum_algorithm.as_ref(),
            input.checksum_type.as_ref(),
        )?;
        let meta = meta_of!(input);
        let id = Uuid::now_v7().simple().to_string();
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(id.clone()),
            checksum_algorithm: agreed
                .named
                .then(|| ChecksumAlgorithm::from_static(agreed.algorithm.name())),
            checksum_type: agreed.named.then(|| agreed.kind()),
            server_side_encryption: Some(encrypted()),
            ..CreateMultipartUploadOutput::default()
        };
        self.write(None, move |connection, state| {
            store::require_bucket(connection, &input.bucket)?;
            connection
                .prepare_cached(
                    "INSERT INTO s3_upload (id, bucket, key, started_ms, meta, checksum) \
                     VALUES (?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    id,
                    input.bucket,
                    input.key,
                    state.clock.now_ms(),
                    serde_json::to_string(&meta)?,
                    serde_json::to_string(&agreed)?,
                ])?;
            Ok(((), Effects::default()))
        })
        .await?;
        Ok(output)
    }

    pub(super) async fn save(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> Result<UploadPartOutput, S3Failure> {
        let input = request.input;
        let agreed = self
            .agreed(
                &input.upload_id,
                &input.bucket,
                &input.key,
                input.part_number,
            )
            .await?;
        let declared = Declared::read(
            input.content_md5.as_deref(),
            checksum_fields!(input),
            input
                .checksum_algorithm
                .as_ref()
                .map(ChecksumAlgorithm::as_str),
            &request.headers,
        )?;
        if agreed.named && declared.algorithm() != Some(agreed.algorithm) {
            let actual = declared.algorithm().map_or("null", Algorithm::name);
            return Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum \
                 Type: {}",
                agreed.algorithm.name().to_ascii_lowercase(),
                actual.to_ascii_lowercase()
            )
            .into());
        }
        let landed = self
            .land(Incoming {
                body: input.body,
                length: input.content_length,
                declared: &declared,
                algorithm: declared.algorithm().unwrap_or(agreed.algorithm),
                trailers: request.trailing_headers.as_ref(),
            })
            .await?;
        let mut output = UploadPartOutput {
            e_tag: Some(s3s::dto::ETag::Strong(hex(&landed.md5))),
            server_side_encryption: Some(encrypted()),
            ..UploadPartOutput::default()
        };
        set_checksum!(output, Some(&landed.checksum));
        self.save_part(
            input.upload_id,
            input.bucket,
            input.key,
            input.part_number,
            landed,
        )
        .await?;
        Ok(output)
    }

    /// What was agreed for an upload, before a part of it is taken in.
    pub(super) async fn agreed(
        &self,
        id: &str,
        bucket: &str,
        key: &str,
        number: i32,
    ) -> Result<Agreed, S3Failure> {
        if !(1..=MAX_PARTS).contains(&number) {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            return Err(s3_error!(InvalidArgument, "{message}").into());
        }
        let (id, bucket, key) = (id.to_owned(), bucket.to_owned(), key.to_owned());
        let found = self
            .read(move |connection| upload(connection, &id, &bucket, &key))
            .await?;
        Ok(found.ok_or_else(no_such_upload)?.agreed)
    }

    /// Keeps a part, in the place of any of the same number.
    pub(super) async fn save_part(
        &self,
        id: String,
        bucket: String,
        key: String,
        number: i32,
        landed: Landed,
    ) -> Result<(), S3Failure> {
        let Landed {
            received,
            md5,
            checksum,
        } = landed;
        let (blob, size) = (received.name.clone(), received.size);
        self.write(Some(received), move |connection, state| {
            upload(connection, &id, &bucket, &key)?.ok_or_else(no_such_upload)?;
            let replaced: Option<String> = connection
                .prepare_cached("SELECT blob FROM s3_part WHERE upload = ? AND number = ?")?
                .query_row(params![id, number], |row| row.get(0))
                .optional()?;
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO s3_part \
                     (upload, number, blob, size, md5, modified_ms, checksum) \
                     VALUES (?, ?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    id,
                    number,
                    blob,
                    size,
                    md5,
                    state.clock.now_ms(),
                    serde_json::to_string(&checksum)?,
                ])?;
            Ok((
                (),
                Effects {
                    unnamed: replaced.into_iter().collect(),
                    queues: Vec::new(),
                },
            ))
        })
        .await
    }

    pub(super) async fn abort(&self, input: AbortMultipartUploadInput) -> Result<(), S3Failure> {
        if input.if_match_initiated_time.is_some() {
            return Err(not_served("x-amz-if-match-initiated-time").into());
        }
        self.write(None, move |connection, _| {
            let AbortMultipartUploadInput {
                bucket,
                key,
                upload_id,
                ..
            } = &input;
            upload(connection, upload_id, bucket, key)?.ok_or_else(no_such_upload)?;
            let unnamed = parts(connection, upload_id, 0, -1)?
                .into_iter()
                .map(|part| part.blob);
            let unnamed = unnamed.collect();
            remove(connection, upload_id)?;
            Ok((
                (),
                Effects {
                    unnamed,
                    queues: Vec::new(),
                },
            ))
        })
        .await
    }
}
