//! The rows behind S3: buckets, objects, uploads and their parts.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use s3s::dto::{ETag, Timestamp};
use serde::{Deserialize, Serialize};

use super::blobs::Stretch;
use super::checksums::Checksum;
use super::error::{S3Failure, no_such_bucket};
use super::meta::Meta;

/// Keys are compared byte by byte, which for UTF-8 is the order that lists promise.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS s3_bucket (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS s3_bucket_config (
    bucket TEXT NOT NULL REFERENCES s3_bucket(name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (bucket, name)
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

/// A configuration of a bucket, as JSON.
#[derive(Debug, Clone, Copy)]
pub(super) enum BucketConfig {
    Cors,
    Notification,
}

impl BucketConfig {
    fn name(self) -> &'static str {
        match self {
            Self::Cors => "cors",
            Self::Notification => "notification",
        }
    }

    /// Reads it; an error if there is no such bucket.
    pub(super) fn get(
        self,
        connection: &Connection,
        bucket: &str,
    ) -> Result<Option<String>, S3Failure> {
        require_bucket(connection, bucket)?;
        let value = connection
            .prepare_cached("SELECT value FROM s3_bucket_config WHERE bucket = ? AND name = ?")?
            .query_row([bucket, self.name()], |row| row.get(0));
        Ok(value.optional()?)
    }

    /// Writes or clears it.
    pub(super) fn set(
        self,
        connection: &Connection,
        bucket: &str,
        value: Option<&str>,
    ) -> Result<(), S3Failure> {
        require_bucket(connection, bucket)?;
        let sql = match value {
            None => "DELETE FROM s3_bucket_config WHERE bucket = ? AND name = ? AND ? IS NULL",
            Some(_) => {
                "INSERT OR REPLACE INTO s3_bucket_config (bucket, name, value) VALUES (?, ?, ?)"
            }
        };
        connection
            .prepare_cached(sql)?
            .execute(params![bucket, self.name(), value])?;
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
