//! What S3 knows and this does not: refused by the header's name, so that nobody believes that
//! it had an effect.

use s3s::dto::{CopyObjectInput, CreateMultipartUploadInput, PutObjectInput};
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
