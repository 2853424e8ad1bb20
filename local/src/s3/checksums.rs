//! Checksums: what is computed while a body comes in, and what is kept.
//!
//! Source: "Checking object integrity in Amazon S3" in the S3 user guide.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::ChecksumType;
use s3s::{S3Error, s3_error};
use serde::{Deserialize, Serialize};

/// The algorithms of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

pub(super) const ALL: [Algorithm; 5] = [
    Algorithm::Crc32,
    Algorithm::Crc32c,
    Algorithm::Crc64Nvme,
    Algorithm::Sha1,
    Algorithm::Sha256,
];

impl Algorithm {
    /// As AWS writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(super) fn parse(name: &str) -> Result<Self, S3Error> {
        ALL.into_iter()
            .find(|a| a.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                s3_error!(
                    InvalidRequest,
                    "Value for x-amz-checksum-algorithm header is invalid."
                )
            })
    }

    pub(super) fn from_header(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let algorithm = name.strip_prefix("x-amz-checksum-")?;
        Self::parse(algorithm).ok()
    }

    /// The length of a digest in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// As a CRC whose values of parts can be joined to the value of the whole.
    fn crc(self) -> Option<crc_fast::CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(crc_fast::CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(crc_fast::CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(crc_fast::CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn hasher(self) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        match self {
            Self::Crc32 => hasher.crc32 = Some(Crc32::new()),
            Self::Crc32c => hasher.crc32c = Some(Crc32c::new()),
            Self::Crc64Nvme => hasher.crc64nvme = Some(Crc64Nvme::new()),
            Self::Sha1 => hasher.sha1 = Some(Sha1::new()),
            Self::Sha256 => hasher.sha256 = Some(Sha256::new()),
        }
        hasher
    }
}

/// A checksum as it is kept and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    /// Base64; of a composite one with `-<number of parts>` after it.
    pub(super) value: String,
    /// A checksum of the parts' checksums, not of the whole.
    #[serde(default)]
    pub(super) composite: bool,
}

impl Checksum {
    pub(super) fn kind(&self) -> ChecksumType {
        let kind = if self.composite {
            ChecksumType::COMPOSITE
        } else {
            ChecksumType::FULL_OBJECT
        };
        ChecksumType::from_static(kind)
    }

    fn bytes(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(&self.value).unwrap_or_default()
    }

    fn crc_value(&self) -> u64 {
        self.bytes()
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    }
}

/// A checksum in the field of its algorithm, in the order of [`ALL`], as the outputs have them.
pub(super) fn fields(checksum: Option<&Checksum>) -> [Option<String>; 5] {
    ALL.map(|algorithm| {
        let checksum = checksum.filter(|c| c.algorithm == algorithm)?;
        Some(checksum.value.clone())
    })
}

/// Sets the checksum fields of an output.
macro_rules! set_checksum {
    ($output:ident, $checksum:expr) => {{
        let checksum: Option<&$crate::s3::checksums::Checksum> = $checksum;
        let [crc32, crc32c, crc64nvme, sha1, sha256] = $crate::s3::checksums::fields(checksum);
        $output.checksum_crc32 = crc32;
        $output.checksum_crc32c = crc32c;
        $output.checksum_crc64nvme = crc64nvme;
        $output.checksum_sha1 = sha1;
        $output.checksum_sha256 = sha256;
    }};
}
pub(super) use set_checksum;

/// The checksum fields of an input, in the order of [`ALL`].
macro_rules! checksum_fields {
    ($input:expr) => {
        [
            $input.checksum_crc32.clone(),
            $input.checksum_crc32c.clone(),
            $input.checksum_crc64nvme.clone(),
            $input.checksum_sha1.clone(),
            $input.checksum_sha256.clone(),
        ]
    };
}
pub(super) use checksum_fields;

/// The digests of a body, computed as it comes in.
pub(super) struct Digests {
    md5: Md5,
    algorithm: Algorithm,
    hasher: ChecksumHasher,
}

impl Digests {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        Self {
            md5: Md5::new(),
            algorithm,
            hasher: algorithm.hasher(),
        }
    }

    pub(super) fn update(&mut self, piece: &[u8]) {
        self.md5.update(piece);
        self.hasher.update(piece);
    }

    /// The MD5 in bytes, and the checksum.
    pub(super) fn finish(self) -> ([u8; 16], Checksum) {
        let sums = self.hasher.finalize();
        let value = match self.algorithm {
            Algorithm::Crc32 => sums.checksum_crc32,
            Algorithm::Crc32c => sums.checksum_crc32c,
            Algorithm::Crc64Nvme => sums.checksum_crc64nvme,
            Algorithm::Sha1 => sums.checksum_sha1,
            Algorithm::Sha256 => sums.checksum_sha256,
        };
        let value = value.unwrap_or_default();
        let checksum = Checksum {
            algorithm: self.algorithm,
            value,
            composite: false,
        };
        (self.md5.finalize(), checksum)
    }
}

pub(super) fn bad_digest(algorithm: Algorithm) -> S3Error {
    s3_error!(
        BadDigest,
        "The {} you specified did not match the calculated checksum.",
        algorithm.name()
    )
}

/// The checksum of an object made of parts with these checksums and sizes.
pub(super) fn join_parts(
    algorithm: Algorithm,
    composite: bool,
    parts: &[(Checksum, u64)],
) -> Checksum {
    match algorithm.crc() {
        Some(crc) if !composite => {
            let whole = parts.iter().fold(None, |whole, (part, size)| match whole {
                None => Some(part.crc_value()),
                Some(value) => Some(crc_fast::checksum_combine(
                    crc,
                    value,
                    part.crc_value(),
                    *size,
                )),
            });
            let bytes = whole.unwrap_or_default().to_be_bytes();
            let value = BASE64_STANDARD.encode(&bytes[8 - algorithm.size()..]);
            Checksum {
                algorithm,
                value,
                composite: false,
            }
        }
        _ => {
            let mut digests = Digests::new(algorithm);
            for (part, _) in parts {
                digests.update(&part.bytes());
            }
            let (_, checksum) = digests.finish();
            let value = format!("{}-{}", checksum.value, parts.len());
            Checksum {
                algorithm,
                value,
                composite: true,
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(algorithm: Algorithm, data: &[u8]) -> Checksum {
        let mut digests = Digests::new(algorithm);
        digests.update(data);
        digests.finish().1
    }

    #[test]
    fn crcs_of_parts_join_to_the_crc_of_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let parts = [b"first part".as_slice(), b"second", b"3"];
            let sums: Vec<_> = parts
                .iter()
                .map(|p| (sum(algorithm, p), p.len() as u64))
                .collect();
            assert_eq!(
                join_parts(algorithm, false, &sums),
                sum(algorithm, &parts.concat())
            );
        }
    }
}
