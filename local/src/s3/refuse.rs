//! What S3 knows and this does not: refused by the name of the header, or of the sub-resource in the
//! query, so that nobody believes that it had an effect.
//!
//! A sub-resource makes another operation of a request. What `s3s` does not know, or knows elsewhere
//! only, it takes for the plain operation: a DELETE of an object's annotation would delete the object.
//! So each operation has its sub-resources, and any other is refused.

use std::borrow::Cow;

use s3s::dto::{
    CopyObjectInput, CreateBucketInput, CreateMultipartUploadInput, ObjectIdentifier,
    ObjectOwnership, PutObjectInput,
};
use s3s::{S3Error, s3_error};

use super::error::not_served;

macro_rules! refuse_fields {
    ($input:expr; $($field:ident: $header:literal),+ $(,)?) => {
        $(if $input.$field.is_some() {
            return Err(not_served($header));
        })+
    };
}

/// The headers that say how an object is kept, common to all ways of creating one.
macro_rules! refuse_storage {
    ($input:expr) => {
        refuse_fields!($input;
            grant_full_control: "x-amz-grant-full-control",
            grant_read: "x-amz-grant-read",
            grant_read_acp: "x-amz-grant-read-acp",
            grant_write_acp: "x-amz-grant-write-acp",
            object_lock_legal_hold_status: "x-amz-object-lock-legal-hold",
            object_lock_mode: "x-amz-object-lock-mode",
            object_lock_retain_until_date: "x-amz-object-lock-retain-until-date",
            sse_customer_algorithm: "x-amz-server-side-encryption-customer-algorithm",
            sse_customer_key: "x-amz-server-side-encryption-customer-key",
            ssekms_key_id: "x-amz-server-side-encryption-aws-kms-key-id",
            tagging: "x-amz-tagging",
            website_redirect_location: "x-amz-website-redirect-location",
        );
        acl($input.acl.as_ref().map(s3s::dto::ObjectCannedACL::as_str))?;
        let encryption = $input.server_side_encryption.as_ref();
        if encryption.is_some_and(|kind| kind.as_str() != "AES256") {
            return Err(not_served("x-amz-server-side-encryption other than AES256"));
        }
        let class = $input.storage_class.as_ref();
        if class.is_some_and(|class| class.as_str() != "STANDARD") {
            return Err(not_served("x-amz-storage-class other than STANDARD"));
        }
    };
}

pub(super) fn put_object(input: &PutObjectInput) -> Result<(), S3Error> {
    refuse_storage!(input);
    refuse_fields!(input; write_offset_bytes: "x-amz-write-offset-bytes");
    Ok(())
}

pub(super) fn create_upload(input: &CreateMultipartUploadInput) -> Result<(), S3Error> {
    refuse_storage!(input);
    Ok(())
}

pub(super) fn copy_object(input: &CopyObjectInput) -> Result<(), S3Error> {
    refuse_storage!(input);
    refuse_fields!(input;
        copy_source_sse_customer_algorithm: "x-amz-copy-source-server-side-encryption-customer-algorithm",
    );
    Ok(())
}

pub(super) fn create_bucket(input: &CreateBucketInput) -> Result<(), S3Error> {
    if input.object_lock_enabled_for_bucket.unwrap_or_default() {
        return Err(not_served("x-amz-bucket-object-lock-enabled"));
    }
    refuse_fields!(input;
        grant_full_control: "x-amz-grant-full-control",
        grant_read: "x-amz-grant-read",
        grant_read_acp: "x-amz-grant-read-acp",
        grant_write: "x-amz-grant-write",
        grant_write_acp: "x-amz-grant-write-acp",
    );
    if input
        .acl
        .as_ref()
        .is_some_and(|acl| acl.as_str() != "private")
    {
        return Err(not_served("x-amz-acl other than private"));
    }
    let ownership = input.object_ownership.as_ref();
    if ownership.is_some_and(|kind| kind.as_str() != ObjectOwnership::BUCKET_OWNER_ENFORCED) {
        return Err(not_served(
            "x-amz-object-ownership other than BucketOwnerEnforced",
        ));
    }
    let Some(configuration) = &input.create_bucket_configuration else {
        return Ok(());
    };
    refuse_fields!(configuration; bucket: "Bucket", location: "Location");
    match &configuration.location_constraint {
        Some(region) if !is_region(region.as_str()) => Err(s3_error!(
            InvalidLocationConstraint,
            "The specified location-constraint is not valid"
        )),
        _ => Ok(()),
    }
}

/// Whether this could be a region's name, such as `us-gov-west-1`, or is the old one of Europe.
fn is_region(name: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let shaped = name.rsplit_once('-').is_some_and(|(words, number)| {
        words.find('-') == Some(2)
            && words.split('-').all(word)
            && number.len() == 1
            && number.bytes().all(|b| b.is_ascii_digit())
    });
    name == "EU" || shaped
}

/// Of several objects that are to be deleted.
pub(super) fn delete_entry(object: &ObjectIdentifier) -> Result<(), S3Error> {
    version(object.version_id.as_deref())?;
    refuse_fields!(object; size: "Size", last_modified_time: "LastModifiedTime");
    Ok(())
}

/// As a bucket of today's default answers, whose objects belong to its owner.
fn acl(acl: Option<&str>) -> Result<(), S3Error> {
    match acl {
        None | Some("bucket-owner-full-control" | "private") => Ok(()),
        Some(_) => Err(s3_error!(
            AccessControlListNotSupported,
            "The bucket does not allow ACLs"
        )),
    }
}

/// There are no versions; the one there is has the version `null`.
pub(super) fn version(id: Option<&str>) -> Result<(), S3Error> {
    match id {
        None | Some("null") => Ok(()),
        Some(_) => Err(not_served("versionId")),
    }
}

/// All of S3's that there are (API reference of 2026-11).
const SUB_RESOURCES: &str = "\
    abac accelerate acl analytics annotation annotations attributes cors delete encryption \
    intelligent-tiering inventory legal-hold lifecycle location logging \
    metadataAnnotationTable metadataConfiguration metadataInventoryTable \
    metadataJournalTable metadataTable metrics notification object-lock ownershipControls \
    partNumber policy policyStatus publicAccessBlock renameObject replication requestPayment \
    restore retention select session tagging torrent uploadId uploads versioning versions \
    website";

/// Those of an operation that is served; `None` of one that is refused in any case.
fn own_sub_resources(operation: &str) -> Option<&'static [&'static str]> {
    Some(match operation {
        "CreateBucket" | "DeleteBucket" | "HeadBucket" | "ListBuckets" | "ListObjectsV2"
        | "PutObject" | "PostObject" | "CopyObject" | "DeleteObject" => &[],
        "GetObject" | "HeadObject" => &["partNumber"],
        "DeleteObjects" => &["delete"],
        "GetBucketLocation" => &["location"],
        "GetBucketCors" | "PutBucketCors" | "DeleteBucketCors" => &["cors"],
        "GetBucketNotificationConfiguration" | "PutBucketNotificationConfiguration" => {
            &["notification"]
        }
        "GetObjectTagging" | "GetBucketTagging" => &["tagging"],
        "GetBucketVersioning" => &["versioning"],
        "GetBucketAcl" | "GetObjectAcl" => &["acl"],
        "GetBucketLifecycleConfiguration" => &["lifecycle"],
        "GetBucketEncryption" => &["encryption"],
        "GetPublicAccessBlock" => &["publicAccessBlock"],
        "GetBucketPolicy" => &["policy"],
        "GetBucketOwnershipControls" => &["ownershipControls"],
        "CreateMultipartUpload" | "ListMultipartUploads" => &["uploads"],
        "UploadPart" | "UploadPartCopy" => &["uploadId", "partNumber"],
        "CompleteMultipartUpload" | "AbortMultipartUpload" | "ListParts" => &["uploadId"],
        _ => return None,
    })
}

/// Refuses a request for `operation` whose `query` names a sub-resource of another one, or one
/// that is younger than this list: a name without a value, as all of them are.
pub(super) fn foreign_sub_resource(operation: &str, query: &str) -> Result<(), S3Error> {
    let Some(own) = own_sub_resources(operation) else {
        return Ok(());
    };
    // The parameters of a list may well be empty.
    let lists = operation.starts_with("List");
    let is_foreign = |(name, value): &(Cow<str>, Cow<str>)| {
        let bare = value.is_empty() && !lists && !name.starts_with("X-Amz-");
        (bare || SUB_RESOURCES.split(' ').any(|known| known == name)) && !own.contains(&&**name)
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
            assert!(
                foreign_sub_resource(operation, query).is_err(),
                "{operation} {query}"
            );
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
            assert!(
                foreign_sub_resource(operation, query).is_ok(),
                "{operation} {query}"
            );
        }
    }
}
