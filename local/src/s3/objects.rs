//! Objects: put and delete, and what every change of an object has in common.

use std::sync::Arc;

use futures::StreamExt as _;
use rusqlite::Connection;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    Error as DeleteError, Metadata, PutObjectInput, PutObjectOutput, ServerSideEncryption,
    StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, s3_error};

use super::blobs::Received;
use super::checksums::{Algorithm, Checksum, Declared, Digests, checksum_fields, set_checksum};
use super::conditions::WriteConditions;
use super::error::{S3Failure, body_failure, incomplete_body, no_such_key, not_served};
use super::refuse;
use super::store::{self, Meta, Object, Piece};
use super::{Store, events};
use crate::sqs::QueueId;
use crate::state::State;

/// The largest body of one request: 5 GiB.
const MAX_BODY: u64 = 5 << 30;
/// The largest sum of user metadata: 2 KB.
const MAX_USER_META: usize = 2 * 1024;
const MAX_DELETES: usize = 1000;

/// What follows a change once it is committed.
#[derive(Default)]
pub(super) struct Effects {
    /// Files that no row names any more.
    pub(super) unnamed: Vec<String>,
    /// Queues that got an event.
    pub(super) queues: Vec<QueueId>,
}

/// A body on its way in.
pub(super) struct Incoming<'a> {
    pub(super) body: Option<StreamingBlob>,
    pub(super) length: Option<i64>,
    pub(super) declared: &'a Declared,
    pub(super) algorithm: Algorithm,
    pub(super) trailers: Option<&'a s3s::TrailingHeaders>,
}

/// A body that is in, and fits what was said of it.
pub(super) struct Landed {
    pub(super) received: Received,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Checksum,
}

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
        let meta = Meta {
            content_type: input.content_type,
            content_encoding: input.content_encoding.and_then(without_aws_chunked),
            content_language: input.content_language,
            content_disposition: input.content_disposition,
            cache_control: input.cache_control,
            expires_ms: input.expires.map(to_ms),
            user: user_meta(input.metadata)?,
        };
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
            server_side_encryption: encrypted(),
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

    /// Takes a body in and checks it.
    pub(super) async fn land(&self, incoming: Incoming<'_>) -> Result<Landed, S3Failure> {
        let length = incoming
            .length
            .and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(|| {
            s3_error!(
                MissingContentLength,
                "You must provide the Content-Length HTTP header."
            )
        })?;
        if length > MAX_BODY {
            let message = "Your proposed upload exceeds the maximum allowed size";
            return Err(s3_error!(EntityTooLarge, "{message}").into());
        }
        let digests = Digests::new(incoming.algorithm);
        let blobs = &self.state.blobs;
        let (received, digests) = match incoming.body {
            Some(body) => {
                let body = body.map(|piece| piece.map_err(|e| body_failure(&*e)));
                blobs.receive(body, digests).await?
            }
            None => blobs.receive(futures::stream::empty(), digests).await?,
        };
        if received.size != length {
            return Err(incomplete_body().into());
        }
        let (md5, checksum) = digests.finish();
        incoming.declared.check(md5, &checksum, incoming.trailers)?;
        Ok(Landed {
            received,
            md5,
            checksum,
        })
    }

    /// The object of a key, or `NoSuchKey`.
    pub(super) async fn find(&self, bucket: &str, key: &str) -> Result<Object, S3Failure> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let found = self
            .read(move |connection| store::find(connection, &bucket, &key))
            .await?;
        found.ok_or_else(|| no_such_key().into())
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
        input: DeleteObjectsInput,
    ) -> Result<DeleteObjectsOutput, S3Failure> {
        let DeleteObjectsInput { bucket, delete, .. } = input;
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
            let condition = object.e_tag.map(s3s::dto::ETagCondition::ETag);
            let result = match WriteConditions::new(condition, None) {
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

    /// Runs a change of rows; what follows it happens right after the commit.
    pub(super) async fn write<T, F>(&self, received: Option<Received>, f: F) -> Result<T, S3Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &State) -> Result<(T, Effects), S3Failure> + Send + 'static,
    {
        let state = Arc::clone(&self.state);
        let then = Arc::clone(&self.state);
        let follow = move |(_, effects): &(T, Effects)| {
            if let Some(received) = received {
                received.keep();
            }
            then.blobs.remove(effects.unnamed.clone());
            effects
                .queues
                .iter()
                .for_each(|queue| then.sqs.wake(*queue));
        };
        let (value, _) = self
            .state
            .db
            .write_then(move |connection| f(connection, &state), follow)
            .await?;
        Ok(value)
    }

    pub(super) async fn read<T, F>(&self, f: F) -> Result<T, S3Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, S3Failure> + Send + 'static,
    {
        self.state.db.read(f).await
    }
}

impl Landed {
    /// As the body of an object of its own.
    pub(super) fn as_object(&self, meta: Meta, now_ms: i64) -> Object {
        Object {
            size: self.received.size,
            etag: hex(&self.md5),
            modified_ms: now_ms,
            body: vec![Piece(self.received.name.clone(), self.received.size)],
            meta,
            checksum: self.checksum.clone(),
            upload: None,
        }
    }
}

/// Puts an object into its place, with its event, if the conditions hold.
pub(super) fn place(
    connection: &Connection,
    state: &State,
    bucket: &str,
    key: &str,
    object: &Object,
    conditions: &WriteConditions,
    event: &str,
) -> Result<Effects, S3Failure> {
    let existing = store::find(connection, bucket, key)?;
    conditions.check(existing.as_ref())?;
    store::save(connection, bucket, key, object)?;
    Ok(Effects {
        unnamed: existing.map(|object| object.files()).unwrap_or_default(),
        queues: events::emit(connection, state, bucket, key, event, Some(object))?,
    })
}

/// Removes an object, with its event. That it is not there is no failure.
fn unplace(
    connection: &Connection,
    state: &State,
    bucket: &str,
    key: &str,
    conditions: &WriteConditions,
) -> Result<Effects, S3Failure> {
    let existing = store::find(connection, bucket, key)?;
    conditions.check(existing.as_ref())?;
    let Some(existing) = existing else {
        return Ok(Effects::default());
    };
    store::remove(connection, bucket, key)?;
    let event = "s3:ObjectRemoved:Delete";
    let queues = events::emit(connection, state, bucket, key, event, None)?;
    Ok(Effects {
        unnamed: existing.files(),
        queues,
    })
}

/// AWS encrypts everything and says so.
pub(super) fn encrypted() -> Option<ServerSideEncryption> {
    Some(ServerSideEncryption::from_static(
        ServerSideEncryption::AES256,
    ))
}

/// `aws-chunked` is about the way here, not about the object.
fn without_aws_chunked(encoding: String) -> Option<String> {
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
