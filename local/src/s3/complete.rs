//! The moment when the parts of an upload become an object.
//!
//! Completing copies nothing: the parts' files become the object's body. So it takes the same
//! short time for a gigabyte as for a kilobyte.

use std::collections::BTreeMap;

use rusqlite::Connection;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart};
use s3s::{S3Error, S3ErrorCode, s3_error};

use super::checksums::{self, ALL, bad_digest, checksum_fields, hex, set_checksum};
use super::conditions::WriteConditions;
use super::error::{S3Failure, bad_request, no_such_upload};
use super::meta::{Meta, encrypted};
use super::multipart::{Agreed, Part, Upload, parts, remove, upload};
use super::rows::{self, Object, Piece};
use super::store::{Effects, Store, put_row};

/// The smallest part but the last: 5 MiB.
const MIN_PART: u64 = 5 << 20;

impl Store {
    pub(super) async fn complete(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> Result<CompleteMultipartUploadOutput, S3Failure> {
        let location = format!("{}/{}/{}", self.context.url, input.bucket, input.key);
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let object = self
            .write(None, move |connection, store| {
                assemble(connection, store, &input)
            })
            .await?;
        let mut output = CompleteMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            location: Some(location),
            e_tag: Some(object.etag()),
            checksum_type: Some(object.checksum.kind()),
            server_side_encryption: Some(encrypted()),
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
    store: &Store,
    input: &CompleteMultipartUploadInput,
) -> Result<(Object, Effects), S3Failure> {
    let CompleteMultipartUploadInput {
        bucket,
        key,
        upload_id,
        ..
    } = input;
    let Some(Upload { meta, agreed }) = upload(connection, upload_id, bucket, key)? else {
        let made = rows::find(connection, bucket, key)?;
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
    for wanted in named {
        let part = stored.remove(&wanted.part_number.unwrap_or_default());
        let part = part.ok_or_else(invalid_part)?;
        check_part(&part, wanted, agreed)?;
        chosen.push(part);
    }
    if chosen.iter().rev().skip(1).any(|part| part.size < MIN_PART) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(s3_error!(EntityTooSmall, "{message}").into());
    }
    let object = join_parts(
        chosen,
        meta,
        agreed,
        upload_id,
        store.context.clock.now_ms(),
    );
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
    let mut effects = put_row(connection, store, bucket, key, &object, &conditions, event)?;
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

fn join_parts(parts: Vec<Part>, meta: Meta, agreed: Agreed, upload: &str, now_ms: i64) -> Object {
    let mut md5 = Md5::new();
    for part in &parts {
        md5.update(&part.md5);
    }
    let sums: Vec<_> = parts
        .iter()
        .map(|part| (part.checksum.clone(), part.size))
        .collect();
    Object {
        size: parts.iter().map(|part| part.size).sum(),
        etag: format!("{}-{}", hex(md5.finalize().as_ref()), parts.len()),
        modified_ms: now_ms,
        checksum: checksums::join_parts(agreed.algorithm, agreed.composite, &sums),
        body: parts
            .into_iter()
            .map(|part| Piece(part.blob, part.size))
            .collect(),
        meta,
        upload: Some(upload.to_owned()),
    }
}

fn invalid_part() -> S3Error {
    bad_request(
        "InvalidPart",
        "One or more of the specified parts could not be found. The part may not have been \
         uploaded, or the specified entity tag may not match the part's entity tag.",
    )
}
