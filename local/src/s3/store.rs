//! The rows behind S3: buckets, objects, uploads and their parts.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use s3s::dto::{ETag, Timestamp};
use serde::{Deserialize, Serialize};

use super::blobs::Stretch;
use super::checksums::Checksum;
use super::error::{S3Failure, no_such_bucket};

/// Keys are compared byte by byte, which for UTF-8 is the order that lists promise.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS s3_bucket (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    cors TEXT,
    notification TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS s3_object (
    bucket TEXT NOT NULL REFERENCES s3_bucket(name),
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    meta TEXT NOT NULL,
    checksum TEXT NOT NULL,
    upload TEXT,
    PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS s3_upload (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES s3_bucket(name),
    key TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    meta TEXT NOT NULL,
    checksum TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS s3_upload_by_key ON s3_upload (bucket, key, id);
CREATE TABLE IF NOT EXISTS s3_part (
    upload TEXT NOT NULL REFERENCES s3_upload(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    md5 BLOB NOT NULL,
    modified_ms INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
";

/// What a caller says about an object beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<String>,
    /// Milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_ms: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) user: BTreeMap<String, String>,
}

/// What an input says about the object that it makes; three kinds of input share these fields.
macro_rules! meta_of {
    ($input:ident) => {
        $crate::s3::store::Meta {
            content_type: $input.content_type,
            content_encoding: $input
                .content_encoding
                .as_deref()
                .and_then($crate::s3::objects::without_aws_chunked),
            content_language: $input.content_language,
            content_disposition: $input.content_disposition,
            cache_control: $input.cache_control,
            expires_ms: $input.expires.map($crate::s3::objects::to_ms),
            user: $crate::s3::objects::user_meta($input.metadata)?,
        }
    };
}
pub(super) use meta_of;

/// One file of a body: its name and its size in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece(pub(super) String, pub(super) u64);

/// An object as it is stored. Its body is the files in their order: one, or one for each part.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) size: u64,
    /// Without its quotes.
    pub(super) etag: String,
    pub(super) modified_ms: i64,
    pub(super) body: Vec<Piece>,
    pub(super) meta: Meta,
    pub(super) checksum: Checksum,
    /// The multipart upload it came from, so that completing it twice answers the same.
    pub(super) upload: Option<String>,
}

impl Object {
    pub(super) fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }

    /// HTTP dates have whole seconds.
    pub(super) fn last_modified(&self) -> Timestamp {
        timestamp(self.modified_ms / 1000 * 1000)
    }

    pub(super) fn files(&self) -> Vec<String> {
        self.body
            .iter()
            .map(|Piece(name, _)| name.clone())
            .collect()
    }

    /// The stretches of files that make up the bytes from `from` up to, not including, `until`.
    pub(super) fn stretches(&self, from: u64, until: u64) -> Vec<Stretch> {
        let mut start = 0;
        let mut stretches = Vec::new();
        for Piece(name, size) in &self.body {
            let end = start + size;
            if from < end && until > start {
                stretches.push(Stretch {
                    name: name.clone(),
                    from: from.max(start) - start,
                    until: until.min(end) - start,
                });
            }
            start = end;
        }
        stretches
    }

    pub(super) fn from_row(row: &Row<'_>) -> Result<Self, S3Failure> {
        Ok(Self {
            size: row.get("size")?,
            etag: row.get("etag")?,
            modified_ms: row.get("modified_ms")?,
            body: serde_json::from_str(&row.get::<_, String>("body")?)?,
            meta: serde_json::from_str(&row.get::<_, String>("meta")?)?,
            checksum: serde_json::from_str(&row.get::<_, String>("checksum")?)?,
            upload: row.get("upload")?,
        })
    }
}

/// Milliseconds since the epoch as `s3s` wants them.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    let since_epoch = std::time::Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    Timestamp::from(std::time::UNIX_EPOCH + since_epoch)
}

/// Fails unless the bucket exists.
pub(super) fn require_bucket(connection: &Connection, bucket: &str) -> Result<(), S3Failure> {
    let found = connection
        .prepare_cached("SELECT 1 FROM s3_bucket WHERE name = ?")?
        .exists([bucket])?;
    if found {
        Ok(())
    } else {
        Err(no_such_bucket().into())
    }
}

/// One column of a bucket that holds a configuration as JSON.
pub(super) fn bucket_config(
    connection: &Connection,
    column: &'static str,
    bucket: &str,
) -> Result<Option<String>, S3Failure> {
    connection
        .prepare_cached(&format!("SELECT {column} FROM s3_bucket WHERE name = ?"))?
        .query_row([bucket], |row| row.get(0))
        .optional()?
        .ok_or_else(|| no_such_bucket().into())
}

/// Writes or clears such a column.
pub(super) fn set_bucket_config(
    connection: &Connection,
    column: &'static str,
    bucket: &str,
    value: Option<&str>,
) -> Result<(), S3Failure> {
    let changed = connection
        .prepare_cached(&format!("UPDATE s3_bucket SET {column} = ? WHERE name = ?"))?
        .execute(params![value, bucket])?;
    if changed == 0 {
        Err(no_such_bucket().into())
    } else {
        Ok(())
    }
}

/// The object of a key, if there is one; an error if there is no such bucket.
pub(super) fn find(
    connection: &Connection,
    bucket: &str,
    key: &str,
) -> Result<Option<Object>, S3Failure> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM s3_object WHERE bucket = ? AND key = ?")?;
    let mut rows = statement.query([bucket, key])?;
    match rows.next()? {
        Some(row) => Object::from_row(row).map(Some),
        None => require_bucket(connection, bucket).map(|()| None),
    }
}

/// Writes an object in the place of any that was there.
pub(super) fn save(
    connection: &Connection,
    bucket: &str,
    key: &str,
    object: &Object,
) -> Result<(), S3Failure> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO s3_object \
             (bucket, key, size, etag, modified_ms, body, meta, checksum, upload) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            bucket,
            key,
            object.size,
            object.etag,
            object.modified_ms,
            serde_json::to_string(&object.body)?,
            serde_json::to_string(&object.meta)?,
            serde_json::to_string(&object.checksum)?,
            object.upload,
        ])?;
    Ok(())
}

/// Removes an object's row.
pub(super) fn remove(connection: &Connection, bucket: &str, key: &str) -> Result<(), S3Failure> {
    connection
        .prepare_cached("DELETE FROM s3_object WHERE bucket = ? AND key = ?")?
        .execute([bucket, key])?;
    Ok(())
}

/// Every file that a row names.
pub(super) fn named_files(
    connection: &Connection,
) -> Result<std::collections::HashSet<String>, S3Failure> {
    let mut statement = connection.prepare(
        "SELECT piece.value ->> 0 FROM s3_object, json_each(s3_object.body) AS piece \
         UNION ALL SELECT blob FROM s3_part",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}
