//! Multipart uploads: their parts, and the moment when they become an object.
//!
//! Completing copies nothing: the parts' files become the object's body. So it takes the same
//! short time for a gigabyte as for a kilobyte.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, ChecksumAlgorithm, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, s3_error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::checksums::{
    self, ALL, Algorithm, Checksum, Declared, bad_digest, checksum_fields, set_checksum,
};
use super::conditions::WriteConditions;
use super::error::{S3Failure, bad_request, no_such_upload};
use super::objects::{Effects, Incoming, Landed, encrypted, hex, place, to_ms, user_meta};
use super::store::{self, Meta, Object, Piece};
use super::{Store, refuse};
use crate::state::State;

/// The smallest part but the last: 5 MiB.
const MIN_PART: u64 = 5 << 20;
const MAX_PARTS: i32 = 10_000;

/// What was agreed on the checksum when the upload began.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Agreed {
    pub(super) algorithm: Algorithm,
    pub(super) composite: bool,
    /// The caller named the algorithm, so every part has to bring it.
    pub(super) named: bool,
}

impl Agreed {
    fn read(
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
    store::require_bucket(connection, bucket)?;
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
        let meta = Meta {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            content_disposition: input.content_disposition,
            cache_control: input.cache_control,
            expires_ms: input.expires.map(to_ms),
            user: user_meta(input.metadata)?,
        };
        let id = Uuid::now_v7().simple().to_string();
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(id.clone()),
            checksum_algorithm: agreed
                .named
                .then(|| ChecksumAlgorithm::from_static(agreed.algorithm.name())),
            checksum_type: agreed.named.then(|| agreed.kind()),
            server_side_encryption: encrypted(),
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
            server_side_encryption: encrypted(),
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

    pub(super) async fn complete(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> Result<CompleteMultipartUploadOutput, S3Failure> {
        let location = format!("{}/{}/{}", self.state.url, input.bucket, input.key);
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let object = self
            .write(None, move |connection, state| {
                assemble(connection, state, &input)
            })
            .await?;
        let mut output = CompleteMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            location: Some(location),
            e_tag: Some(object.etag()),
            checksum_type: Some(object.checksum.kind()),
            server_side_encryption: encrypted(),
            ..CompleteMultipartUploadOutput::default()
        };
        set_checksum!(output, Some(&object.checksum));
        Ok(output)
    }
}

/// Makes the object, in one transaction. Doing it again answers the same, as AWS promises to a
/// caller who never saw the first answer.
fn assemble(
    connection: &Connection,
    state: &State,
    input: &CompleteMultipartUploadInput,
) -> Result<(Object, Effects), S3Failure> {
    let CompleteMultipartUploadInput {
        bucket,
        key,
        upload_id,
        ..
    } = input;
    let Some(Upload { meta, agreed }) = upload(connection, upload_id, bucket, key)? else {
        let made = store::find(connection, bucket, key)?;
        let made = made.filter(|object| object.upload.as_ref() == Some(upload_id));
        return Ok((made.ok_or_else(no_such_upload)?, Effects::default()));
    };
    let named = input
        .multipart_upload
        .as_ref()
        .and_then(|upload| upload.parts.as_deref());
    let named = named.filter(|parts| !parts.is_empty());
    let named = named.ok_or_else(|| S3Error::new(S3ErrorCode::MalformedXML))?;
    if !named.is_sorted_by(|a, b| a.part_number < b.part_number) {
        let message = "The list of parts was not in ascending order. Parts must be ordered by part \
                       number.";
        return Err(s3_error!(InvalidPartOrder, "{message}").into());
    }
    let mut stored: BTreeMap<i32, Part> = parts(connection, upload_id, 0, -1)?
        .into_iter()
        .map(|part| (part.number, part))
        .collect();
    let mut chosen = Vec::with_capacity(named.len());
    for (index, wanted) in named.iter().enumerate() {
        let part = stored.remove(&wanted.part_number.unwrap_or_default());
        let part = part.ok_or_else(invalid_part)?;
        check_part(&part, wanted, agreed)?;
        if part.size < MIN_PART && index + 1 < named.len() {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(s3_error!(EntityTooSmall, "{message}").into());
        }
        chosen.push(part);
    }
    let object = join(chosen, meta, agreed, upload_id, state.clock.now_ms());
    let declared: Vec<_> = ALL.into_iter().zip(checksum_fields!(input)).collect();
    for (algorithm, value) in declared {
        if value.is_some_and(|value| value != object.checksum.value) {
            return Err(bad_digest(algorithm).into());
        }
    }
    if input
        .mpu_object_size
        .is_some_and(|size| u64::try_from(size) != Ok(object.size))
    {
        let message = "The provided 'x-amz-mp-object-size' header value does not match what was \
                       computed.";
        return Err(s3_error!(InvalidRequest, "{message}").into());
    }
    let conditions = WriteConditions::new(input.if_match.clone(), input.if_none_match.clone())?;
    let event = "s3:ObjectCreated:CompleteMultipartUpload";
    let mut effects = place(connection, state, bucket, key, &object, &conditions, event)?;
    remove(connection, upload_id)?;
    effects
        .unnamed
        .extend(stored.into_values().map(|part| part.blob));
    Ok((object, effects))
}

fn check_part(part: &Part, wanted: &CompletedPart, agreed: Agreed) -> Result<(), S3Error> {
    let etag = wanted.e_tag.as_ref().map(s3s::dto::ETag::value);
    if etag != Some(hex(&part.md5).as_str()) {
        return Err(invalid_part());
    }
    let mut said = None;
    for (algorithm, value) in ALL.into_iter().zip(checksum_fields!(wanted)) {
        let Some(value) = value else { continue };
        if algorithm != part.checksum.algorithm || value != part.checksum.value {
            return Err(invalid_part());
        }
        said = Some(value);
    }
    if agreed.named && agreed.composite && said.is_none() {
        let name = agreed.algorithm.name().to_ascii_lowercase();
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created using a {name} checksum. The complete request must include the \
             checksum for each part. It was missing for part {} in the request.",
            part.number
        ));
    }
    Ok(())
}

fn join(parts: Vec<Part>, meta: Meta, agreed: Agreed, upload: &str, now_ms: i64) -> Object {
    let mut md5 = Md5::new();
    parts.iter().for_each(|part| md5.update(&part.md5));
    let sums: Vec<_> = parts
        .iter()
        .map(|part| (part.checksum.clone(), part.size))
        .collect();
    Object {
        size: parts.iter().map(|part| part.size).sum(),
        etag: format!("{}-{}", hex(md5.finalize().as_ref()), parts.len()),
        modified_ms: now_ms,
        checksum: checksums::of_parts(agreed.algorithm, agreed.composite, &sums),
        body: parts
            .into_iter()
            .map(|part| Piece(part.blob, part.size))
            .collect(),
        meta,
        upload: Some(upload.to_owned()),
    }
}

fn remove(connection: &Connection, upload: &str) -> Result<(), S3Failure> {
    connection
        .prepare_cached("DELETE FROM s3_upload WHERE id = ?")?
        .execute([upload])?;
    Ok(())
}

fn invalid_part() -> S3Error {
    bad_request(
        "InvalidPart",
        "One or more of the specified parts could not be found. The part may not have been \
         uploaded, or the specified entity tag may not match the part's entity tag.",
    )
}
