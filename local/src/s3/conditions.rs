//! Conditional requests: `If-Match`, `If-None-Match` and the two about dates.

use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode};

use super::error::{no_such_key, not_served, precondition_failed};
use super::rows::Object;

/// The conditions of a read, in the words of RFC 9110, section 13.
#[derive(Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) matching: Option<ETagCondition>,
    pub(super) none_matching: Option<ETagCondition>,
    pub(super) modified_since: Option<Timestamp>,
    pub(super) unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// A tag outweighs a date, as RFC 9110 says; what must hold is asked before what may be old.
    pub(super) fn check(&self, object: &Object) -> Result<(), S3Error> {
        match (&self.matching, &self.unmodified_since) {
            (Some(wanted), _) if !fits(wanted, object) => return Err(precondition_failed()),
            (None, Some(since)) if object.last_modified() > *since => {
                return Err(precondition_failed());
            }
            _ => {}
        }
        match (&self.none_matching, &self.modified_since) {
            (Some(unwanted), _) if fits(unwanted, object) => Err(not_modified(object)),
            (None, Some(since)) if object.last_modified() <= *since => Err(not_modified(object)),
            _ => Ok(()),
        }
    }

    /// For the source of a copy, where "not modified" is a failed precondition too.
    pub(super) fn check_source(&self, object: &Object) -> Result<(), S3Error> {
        self.check(object).map_err(|_| precondition_failed())
    }
}

/// The conditions in the fields of a read's input, or of a copy's source.
macro_rules! read_conditions {
    ($input:ident) => {
        $crate::s3::conditions::ReadConditions {
            matching: $input.if_match,
            none_matching: $input.if_none_match,
            modified_since: $input.if_modified_since,
            unmodified_since: $input.if_unmodified_since,
        }
    };
    (source of $input:ident) => {
        $crate::s3::conditions::ReadConditions {
            matching: $input.copy_source_if_match,
            none_matching: $input.copy_source_if_none_match,
            modified_since: $input.copy_source_if_modified_since,
            unmodified_since: $input.copy_source_if_unmodified_since,
        }
    };
}
pub(super) use read_conditions;

/// The conditions of a write, to be asked in the transaction that writes.
#[derive(Debug, Default, Clone)]
pub(super) struct WriteConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

impl WriteConditions {
    pub(super) fn new(
        if_match: Option<ETagCondition>,
        if_none_match: Option<ETagCondition>,
    ) -> Result<Self, S3Error> {
        if matches!(if_none_match, Some(ETagCondition::ETag(_))) {
            return Err(not_served("If-None-Match with anything but *"));
        }
        Ok(Self {
            if_match,
            if_none_match,
        })
    }

    /// Of a copy's own headers, which `s3s` leaves in the request.
    pub(super) fn from_headers(headers: &HeaderMap) -> Result<Self, S3Error> {
        let read = |name: HeaderName| {
            let value = headers.get(name);
            let read = value.map(|value| ETagCondition::parse_http_header(value.as_bytes()));
            read.transpose()
                .map_err(|_| S3Error::new(S3ErrorCode::InvalidArgument))
        };
        Self::new(read(IF_MATCH)?, read(IF_NONE_MATCH)?)
    }

    pub(super) fn check(&self, existing: Option<&Object>) -> Result<(), S3Error> {
        if self.if_none_match.is_some() && existing.is_some() {
            return Err(precondition_failed());
        }
        match (&self.if_match, existing) {
            (Some(_), None) => Err(no_such_key()),
            (Some(wanted), Some(object)) if !fits(wanted, object) => Err(precondition_failed()),
            _ => Ok(()),
        }
    }
}

fn fits(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(ETag::Strong(tag) | ETag::Weak(tag)) => *tag == object.etag,
    }
}

fn not_modified(object: &Object) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    error.set_status_code(http::StatusCode::NOT_MODIFIED);
    let mut headers = http::HeaderMap::new();
    if let Ok(etag) = object.etag().to_http_header() {
        headers.insert(http::header::ETAG, etag);
    }
    error.set_headers(headers);
    error
}
