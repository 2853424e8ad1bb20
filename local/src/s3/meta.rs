//! What is kept with an object's bytes: the headers that its writer gave it.

use std::collections::BTreeMap;

use s3s::dto::{Metadata, ServerSideEncryption};
use s3s::{S3Error, s3_error};
use serde::{Deserialize, Serialize};

/// The largest sum of user metadata: 2 KB.
const MAX_USER_META: usize = 2 * 1024;

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
        $crate::s3::meta::Meta {
            content_type: $input.content_type,
            content_encoding: $input
                .content_encoding
                .as_deref()
                .and_then($crate::s3::meta::without_aws_chunked),
            content_language: $input.content_language,
            content_disposition: $input.content_disposition,
            cache_control: $input.cache_control,
            expires_ms: $input.expires.map($crate::s3::meta::to_ms),
            user: $crate::s3::meta::user_meta($input.metadata)?,
        }
    };
}
pub(super) use meta_of;

/// AWS encrypts everything and says so.
pub(super) fn encrypted() -> ServerSideEncryption {
    ServerSideEncryption::from_static(ServerSideEncryption::AES256)
}

/// `aws-chunked` is about the way here, not about the object.
pub(super) fn without_aws_chunked(encoding: &str) -> Option<String> {
    let codings: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|c| *c != "aws-chunked" && !c.is_empty())
        .collect();
    (!codings.is_empty()).then(|| codings.join(","))
}

pub(super) fn user_meta(metadata: Option<Metadata>) -> Result<BTreeMap<String, String>, S3Error> {
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
