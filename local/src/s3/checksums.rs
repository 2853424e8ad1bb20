//! Checksums: what a caller declares, what is computed while the body comes in, what is kept.
//!
//! Source: "Checking object integrity in Amazon S3" in the S3 user guide. A body that does not
//! fit its declaration never counts.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::ChecksumType;
use s3s::{S3Error, S3ErrorCode, TrailingHeaders, s3_error};
use serde::{Deserialize, Serialize};

use super::error::bad_request;

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

    fn of_header(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let algorithm = name.strip_prefix("x-amz-checksum-")?;
        Self::parse(algorithm).ok()
    }

    /// The length of a digest in bytes.
    fn size(self) -> usize {
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

    /// The value if it is of this algorithm: the outputs have one field for each.
    pub(super) fn of(this: Option<&Self>, algorithm: Algorithm) -> Option<String> {
        this.filter(|c| c.algorithm == algorithm)
            .map(|c| c.value.clone())
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

/// Sets the checksum fields of an output.
macro_rules! set_checksum {
    ($output:ident, $checksum:expr) => {{
        let checksum: Option<&$crate::s3::checksums::Checksum> = $checksum;
        use $crate::s3::checksums::{Algorithm, Checksum};
        $output.checksum_crc32 = Checksum::of(checksum, Algorithm::Crc32);
        $output.checksum_crc32c = Checksum::of(checksum, Algorithm::Crc32c);
        $output.checksum_crc64nvme = Checksum::of(checksum, Algorithm::Crc64Nvme);
        $output.checksum_sha1 = Checksum::of(checksum, Algorithm::Sha1);
        $output.checksum_sha256 = Checksum::of(checksum, Algorithm::Sha256);
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
        (self.md5.finalize().into(), checksum)
    }
}

/// What a caller says about the body to come.
#[derive(Debug, Default)]
pub(super) struct Declared {
    md5: Option<Vec<u8>>,
    sum: Option<(Algorithm, String)>,
    trailer: Option<Algorithm>,
    asked: Option<Algorithm>,
}

impl Declared {
    /// From `Content-MD5`, the checksum headers, `x-amz-trailer` and `x-amz-sdk-checksum-algorithm`.
    pub(super) fn read(
        md5: Option<&str>,
        fields: [Option<String>; 5],
        asked: Option<&str>,
        headers: &http::HeaderMap,
    ) -> Result<Self, S3Error> {
        let md5 = md5.map(|text| match BASE64_STANDARD.decode(text) {
            Ok(bytes) if bytes.len() == 16 => Ok(bytes),
            _ => Err(s3_error!(
                InvalidDigest,
                "The Content-MD5 you specified was invalid."
            )),
        });
        let mut sums: Vec<_> = ALL.into_iter().zip(fields).collect();
        sums.retain(|(_, value)| value.is_some());
        let trailer = headers.get("x-amz-trailer").and_then(|v| v.to_str().ok());
        let trailer = trailer.and_then(Algorithm::of_header);
        if sums.len() + usize::from(trailer.is_some()) > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            ));
        }
        let sum = sums
            .pop()
            .and_then(|(algorithm, value)| Some((algorithm, value?)));
        if let Some((algorithm, value)) = &sum {
            check_form(*algorithm, value)?;
        }
        let asked = asked.map(Algorithm::parse).transpose()?;
        Ok(Self {
            md5: md5.transpose()?,
            sum,
            trailer,
            asked,
        })
    }

    /// The algorithm that is named, if any.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.sum
            .as_ref()
            .map(|(algorithm, _)| *algorithm)
            .or(self.trailer)
            .or(self.asked)
    }

    /// Compares with what has come in.
    pub(super) fn check(
        &self,
        md5: [u8; 16],
        computed: &Checksum,
        trailers: Option<&TrailingHeaders>,
    ) -> Result<(), S3Error> {
        if self.md5.as_ref().is_some_and(|declared| declared != &md5) {
            let message = "The Content-MD5 you specified did not match what we received.";
            return Err(S3Error::with_message(S3ErrorCode::BadDigest, message));
        }
        let trailing = self.trailer.and_then(|algorithm| {
            let name = format!("x-amz-checksum-{}", algorithm.name().to_ascii_lowercase());
            trailers?.read(|headers| headers.get(name)?.to_str().ok().map(str::to_owned))?
        });
        if let (Some(algorithm), None) = (self.trailer, &trailing) {
            let message = format!(
                "The announced trailer with the {} is missing.",
                algorithm.name()
            );
            return Err(bad_request("MalformedTrailerError", message));
        }
        let declared = self
            .sum
            .as_ref()
            .map(|(_, value)| value.clone())
            .or(trailing);
        if let Some(declared) = declared {
            check_form(computed.algorithm, &declared)?;
            if declared != computed.value {
                return Err(bad_digest(computed.algorithm));
            }
        }
        Ok(())
    }
}

fn check_form(algorithm: Algorithm, value: &str) -> Result<(), S3Error> {
    match BASE64_STANDARD.decode(value) {
        Ok(bytes) if bytes.len() == algorithm.size() => Ok(()),
        _ => Err(s3_error!(
            InvalidRequest,
            "Value for x-amz-checksum-{} header is invalid.",
            algorithm.name().to_ascii_lowercase()
        )),
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
pub(super) fn of_parts(
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
            parts
                .iter()
                .for_each(|(part, _)| digests.update(&part.bytes()));
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
                of_parts(algorithm, false, &sums),
                sum(algorithm, &parts.concat())
            );
        }
    }

    #[test]
    fn two_declarations_are_one_too_many() {
        let fields = [
            Some("AAAAAA==".to_owned()),
            Some("AAAAAA==".to_owned()),
            None,
            None,
            None,
        ];
        let error =
            Declared::read(None, fields, None, &http::HeaderMap::new()).expect_err("ambiguous");
        assert_eq!(error.code(), &S3ErrorCode::InvalidRequest);
    }
}
