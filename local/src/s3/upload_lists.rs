//! Lists of uploads under way and of their parts.

use rusqlite::params;
use s3s::dto::{
    ChecksumAlgorithm, EncodingType, Initiator, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Owner,
    Part as ListedPart, StorageClass,
};

use super::checksums::{hex, set_checksum};
use super::error::{S3Failure, no_such_upload, not_served};
use super::listing::encoder;
use super::multipart::{self, Agreed};
use super::rows::{self, timestamp};
use super::store::Store;

/// The most that one answer holds.
const MAX_LISTED: i32 = 1000;

impl Store {
    pub(super) async fn parts(&self, input: ListPartsInput) -> Result<ListPartsOutput, S3Failure> {
        let limit = input.max_parts.unwrap_or(MAX_LISTED).clamp(0, MAX_LISTED);
        let after = input.part_number_marker.unwrap_or_default();
        let (id, bucket, key) = (
            input.upload_id.clone(),
            input.bucket.clone(),
            input.key.clone(),
        );
        let (agreed, mut found) = self
            .read(move |connection| {
                let upload = multipart::upload(connection, &id, &bucket, &key)?
                    .ok_or_else(no_such_upload)?;
                let found = multipart::parts(connection, &id, after, i64::from(limit) + 1)?;
                Ok((upload.agreed, found))
            })
            .await?;
        let room = usize::try_from(limit).unwrap_or_default();
        let more = found.len() > room;
        found.truncate(room);
        let last = found.last().map(|part| part.number);
        let told = found.into_iter().map(|part| {
            let mut listed = ListedPart {
                e_tag: Some(s3s::dto::ETag::Strong(hex(&part.md5))),
                last_modified: Some(timestamp(part.modified_ms)),
                part_number: Some(part.number),
                size: i64::try_from(part.size).ok(),
                ..ListedPart::default()
            };
            set_checksum!(listed, Some(&part.checksum).filter(|_| agreed.named));
            listed
        });
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(after),
            next_part_number_marker: last.filter(|_| more),
            max_parts: Some(limit),
            is_truncated: Some(more),
            parts: Some(told.collect()),
            owner: Some(self.owner()),
            initiator: Some(self.initiator()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            checksum_algorithm: agreed
                .named
                .then(|| ChecksumAlgorithm::from_static(agreed.algorithm.name())),
            checksum_type: agreed.named.then(|| agreed.kind()),
            ..ListPartsOutput::default()
        })
    }

    pub(super) async fn uploads(
        &self,
        input: ListMultipartUploadsInput,
    ) -> Result<ListMultipartUploadsOutput, S3Failure> {
        if input
            .delimiter
            .as_ref()
            .is_some_and(|delimiter| !delimiter.is_empty())
        {
            return Err(not_served("delimiter of ListMultipartUploads").into());
        }
        let encode = encoder(input.encoding_type.as_ref())?;
        let limit = input.max_uploads.unwrap_or(MAX_LISTED).clamp(0, MAX_LISTED);
        let (bucket, prefix) = (
            input.bucket.clone(),
            input.prefix.clone().unwrap_or_default(),
        );
        let after_key = input.key_marker.clone().unwrap_or_default();
        // Alone, a key marker skips all uploads of its key.
        let after_id = input
            .upload_id_marker
            .clone()
            .unwrap_or_else(|| "\u{10FFFF}".to_owned());
        let mut found: Vec<(String, MultipartUpload)> = self
            .read(move |connection| {
                rows::require_bucket(connection, &bucket)?;
                let mut statement = connection.prepare_cached(
                    "SELECT key, id, started_ms, checksum FROM s3_upload WHERE bucket = ?1 \
                     AND substr(key, 1, length(?2)) = ?2 AND (key, id) > (?3, ?4) \
                     ORDER BY key, id LIMIT ?5",
                )?;
                let wanted = params![bucket, prefix, after_key, after_id, limit + 1];
                let mut rows = statement.query(wanted)?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    let agreed: Agreed = serde_json::from_str(&row.get::<_, String>(3)?)?;
                    let upload = MultipartUpload {
                        initiated: Some(timestamp(row.get(2)?)),
                        upload_id: Some(row.get(1)?),
                        checksum_algorithm: agreed
                            .named
                            .then(|| ChecksumAlgorithm::from_static(agreed.algorithm.name())),
                        checksum_type: agreed.named.then(|| agreed.kind()),
                        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
                        ..MultipartUpload::default()
                    };
                    found.push((row.get(0)?, upload));
                }
                Ok(found)
            })
            .await?;
        let room = usize::try_from(limit).unwrap_or_default();
        let more = found.len() > room;
        found.truncate(room);
        let last = found.last().filter(|_| more);
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: Some(encode(&input.prefix.unwrap_or_default())),
            key_marker: Some(encode(&input.key_marker.unwrap_or_default())),
            upload_id_marker: input.upload_id_marker,
            next_key_marker: last.map(|(key, _)| encode(key)),
            next_upload_id_marker: last.and_then(|(_, upload)| upload.upload_id.clone()),
            max_uploads: Some(limit),
            is_truncated: Some(more),
            encoding_type: input
                .encoding_type
                .filter(|e| e.as_str() == EncodingType::URL),
            uploads: Some(
                found
                    .into_iter()
                    .map(|(key, upload)| MultipartUpload {
                        key: Some(encode(&key)),
                        owner: Some(self.owner()),
                        initiator: Some(self.initiator()),
                        ..upload
                    })
                    .collect(),
            ),
            ..ListMultipartUploadsOutput::default()
        })
    }

    /// Whoever begins an upload here is the account itself.
    fn initiator(&self) -> Initiator {
        let Owner { display_name, id } = self.owner();
        Initiator { display_name, id }
    }
}
