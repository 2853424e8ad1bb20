//! Multipart uploads and their parts, until they are completed or aborted.

use rusqlite::{Connection, OptionalExtension as _, params};
use s3s::dto::{
    AbortMultipartUploadInput, ChecksumAlgorithm, ChecksumType, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3Request, s3_error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::checksums::{Algorithm, Checksum, checksum_fields, hex, set_checksum};
use super::error::{S3Failure, no_such_upload, not_served};
use super::ingest::{Declared, Incoming, IngestedBody};
use super::meta::{Meta, encrypted, meta_of};
use super::refuse;
use super::rows;
use super::store::{Effects, Store};

const MAX_PARTS: i32 = 10_000;

impl Store {
    pub(super) async fn create_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> Result<CreateMultipartUploadOutput, S3Failure> {
        refuse::create_upload(&input)?;
        let agreed = Agreed::from_input(
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
        self.write(None, move |connection, store| {
            rows::require_bucket(connection, &input.bucket)?;
            connection
                .prepare_cached(
                    "INSERT INTO s3_upload (id, bucket, key, started_ms, meta, checksum) \
                     VALUES (?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    id,
                    input.bucket,
                    input.key,
                    store.context.clock.now_ms(),
                    serde_json::to_string(&meta)?,
                    serde_json::to_string(&agreed)?,
                ])?;
            Ok(((), Effects::default()))
        })
        .await?;
        Ok(output)
    }

    pub(super) async fn put_part(
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
        let declared = Declared::from_headers(
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
        let ingested = self
            .ingest(Incoming {
                body: input.body,
                length: input.content_length,
                declared: &declared,
                algorithm: declared.algorithm().unwrap_or(agreed.algorithm),
                trailers: request.trailing_headers.as_ref(),
            })
            .await?;
        let mut output = UploadPartOutput {
            e_tag: Some(s3s::dto::ETag::Strong(hex(&ingested.md5))),
            server_side_encryption: Some(encrypted()),
            ..UploadPartOutput::default()
        };
        set_checksum!(output, Some(&ingested.checksum));
        self.save_part(
            input.upload_id,
            input.bucket,
            input.key,
            input.part_number,
            ingested,
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
        ingested: IngestedBody,
    ) -> Result<(), S3Failure> {
        let IngestedBody {
            received,
            md5,
            checksum,
        } = ingested;
        let (blob, size) = (received.name.clone(), received.size);
        self.write(Some(received), move |connection, store| {
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
                    store.context.clock.now_ms(),
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

/// What was agreed on the checksum when the upload began.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Agreed {
    pub(super) algorithm: Algorithm,
    pub(super) composite: bool,
    /// The caller named the algorithm, so every part has to bring it.
    pub(super) named: bool,
}

impl Agreed {
    pub(super) fn from_input(
        algorithm: Option<&ChecksumAlgorithm>,
        kind: Option<&ChecksumType>,
    ) -> Result<Self, S3Error> {
        let Some(algorithm) = algorithm else {
            return Ok(Self {
                algorithm: Algorithm::Crc64Nvme,
                composite: false,
                named: false,
            });
        };
        let algorithm = Algorithm::parse(algorithm.as_str())?;
        let composite = match kind.map(ChecksumType::as_str) {
            None => algorithm != Algorithm::Crc64Nvme,
            Some(kind) => kind == ChecksumType::COMPOSITE,
        };
        let possible = match algorithm {
            Algorithm::Crc64Nvme => !composite,
            Algorithm::Sha1 | Algorithm::Sha256 => composite,
            Algorithm::Crc32 | Algorithm::Crc32c => true,
        };
        if !possible {
            let kind = if composite {
                "COMPOSITE"
            } else {
                "FULL_OBJECT"
            };
            let name = algorithm.name().to_ascii_lowercase();
            return Err(s3_error!(
                InvalidRequest,
                "The {kind} checksum type cannot be used with the {name} checksum algorithm."
            ));
        }
        Ok(Self {
            algorithm,
            composite,
            named: true,
        })
    }

    pub(super) fn kind(self) -> ChecksumType {
        Checksum {
            algorithm: self.algorithm,
            value: String::new(),
            composite: self.composite,
        }
        .kind()
    }
}

/// An upload under way.
pub(super) struct Upload {
    pub(super) meta: Meta,
    pub(super) agreed: Agreed,
}

/// A part that is in.
pub(super) struct Part {
    pub(super) number: i32,
    pub(super) blob: String,
    pub(super) size: u64,
    pub(super) md5: Vec<u8>,
    pub(super) modified_ms: i64,
    pub(super) checksum: Checksum,
}

/// The upload of this id, if it is for this key.
pub(super) fn upload(
    connection: &Connection,
    id: &str,
    bucket: &str,
    key: &str,
) -> Result<Option<Upload>, S3Failure> {
    rows::require_bucket(connection, bucket)?;
    let found: Option<(String, String)> = connection
        .prepare_cached(
            "SELECT meta, checksum FROM s3_upload WHERE id = ? AND bucket = ? AND key = ?",
        )?
        .query_row([id, bucket, key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((meta, checksum)) = found else {
        return Ok(None);
    };
    let (meta, agreed) = (
        serde_json::from_str(&meta)?,
        serde_json::from_str(&checksum)?,
    );
    Ok(Some(Upload { meta, agreed }))
}

/// The parts of an upload after a number, in their order.
pub(super) fn parts(
    connection: &Connection,
    upload: &str,
    after: i32,
    limit: i64,
) -> Result<Vec<Part>, S3Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT number, blob, size, md5, modified_ms, checksum FROM s3_part \
         WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
    )?;
    let mut rows = statement.query(params![upload, after, limit])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        parts.push(Part {
            number: row.get(0)?,
            blob: row.get(1)?,
            size: row.get(2)?,
            md5: row.get(3)?,
            modified_ms: row.get(4)?,
            checksum: serde_json::from_str(&row.get::<_, String>(5)?)?,
        });
    }
    Ok(parts)
}

/// Removes an upload's rows.
pub(super) fn remove(connection: &Connection, upload: &str) -> Result<(), S3Failure> {
    connection
        .prepare_cached("DELETE FROM s3_upload WHERE id = ?")?
        .execute([upload])?;
    Ok(())
}
