//! The rows of uploads under way, and what was agreed on when they began.

use rusqlite::{Connection, OptionalExtension as _, params};
use s3s::dto::{ChecksumAlgorithm, ChecksumType};
use s3s::{S3Error, s3_error};
use serde::{Deserialize, Serialize};

use super::checksums::{Algorithm, Checksum};
use super::error::S3Failure;
use super::store::{self, Meta};

/// What was agreed on the checksum when the upload began.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Agreed {
    pub(super) algorithm: Algorithm,
    pub(super) composite: bool,
    /// The caller named the algorithm, so every part has to bring it.
    pub(super) named: bool,
}

impl Agreed {
    pub(super) fn read(
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

/// Removes an upload's rows.
pub(super) fn remove(connection: &Connection, upload: &str) -> Result<(), S3Failure> {
    connection
        .prepare_cached("DELETE FROM s3_upload WHERE id = ?")?
        .execute([upload])?;
    Ok(())
}
