//! Sub-resources: the names in a query that make another operation of a request.
//!
//! What `s3s` does not know, or knows elsewhere only, it takes for the plain operation: a DELETE
//! of an object's annotation would delete the object. So each operation has its names, and any
//! other sub-resource is refused.

use std::borrow::Cow;

use s3s::S3Error;

use super::error::not_served;

/// All of S3's that there are (API reference of 2026-11).
const ALL: [&str; 43] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "annotations",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
];

/// Those of an operation that is served; `None` of one that is refused in any case.
fn own(operation: &str) -> Option<&'static [&'static str]> {
    Some(match operation {
        "CreateBucket" | "DeleteBucket" | "HeadBucket" | "ListBuckets" | "ListObjects"
        | "ListObjectsV2" | "PutObject" | "CopyObject" | "DeleteObject" => &[],
        "GetObject" | "HeadObject" => &["partNumber"],
        "DeleteObjects" => &["delete"],
        "GetBucketLocation" => &["location"],
        "GetBucketCors" | "PutBucketCors" | "DeleteBucketCors" => &["cors"],
        "GetBucketNotificationConfiguration" | "PutBucketNotificationConfiguration" => {
            &["notification"]
        }
        "GetObjectTagging" => &["tagging"],
        "CreateMultipartUpload" | "ListMultipartUploads" => &["uploads"],
        "UploadPart" | "UploadPartCopy" => &["uploadId", "partNumber"],
        "CompleteMultipartUpload" | "AbortMultipartUpload" | "ListParts" => &["uploadId"],
        _ => return None,
    })
}

/// Refuses a request for `operation` whose `query` names a sub-resource of another one, or one
/// that is younger than this list: a name without a value, as all of them are.
pub(super) fn check(operation: &str, query: &str) -> Result<(), S3Error> {
    let Some(own) = own(operation) else {
        return Ok(());
    };
    // The parameters of a list may well be empty.
    let lists = operation.starts_with("List");
    let is_foreign = |(name, value): &(Cow<str>, Cow<str>)| {
        let bare = value.is_empty() && !lists && !name.starts_with("X-Amz-");
        (bare || ALL.contains(&&**name)) && !own.contains(&&**name)
    };
    let foreign = form_urlencoded::parse(query.as_bytes()).find(is_foreign);
    foreign.map_or(Ok(()), |(name, _)| Err(not_served(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_sub_resource_is_refused() {
        for (operation, query) in [
            ("DeleteObject", "annotation&annotationName=n"),
            ("DeleteBucket", "metadataConfiguration"),
            ("DeleteBucket", "versioning"),
            ("PutObject", "renameObject"),
            ("PutObject", "cors"),
            ("PutObject", "partNumber=1"),
            ("PutObject", "ofNextYear"),
        ] {
            assert!(check(operation, query).is_err(), "{operation} {query}");
        }
    }

    #[test]
    fn own_names_and_those_without_a_meaning_pass() {
        for (operation, query) in [
            ("UploadPart", "partNumber=1&uploadId=u&x-id=UploadPart"),
            ("ListObjectsV2", "list-type=2&prefix=cors&delimiter="),
            ("GetObject", "response-content-type=text/plain&v=1"),
            ("PutBucketCors", "cors"),
        ] {
            assert!(check(operation, query).is_ok(), "{operation} {query}");
        }
    }
}
