//! The operations that are served, as `s3s` asks for them. All others it refuses by name.

use async_trait::async_trait;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput,
    CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteBucketCorsInput, DeleteBucketCorsOutput, DeleteBucketInput, DeleteBucketOutput,
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
    GetBucketAclInput, GetBucketAclOutput, GetBucketCorsInput, GetBucketCorsOutput,
    GetBucketEncryptionInput, GetBucketEncryptionOutput, GetBucketLifecycleConfigurationInput,
    GetBucketLifecycleConfigurationOutput, GetBucketLocationInput, GetBucketLocationOutput,
    GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
    GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput, GetBucketPolicyInput,
    GetBucketPolicyOutput, GetBucketTaggingInput, GetBucketTaggingOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, GetObjectAclInput, GetObjectAclOutput, GetObjectInput,
    GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput, GetPublicAccessBlockInput,
    GetPublicAccessBlockOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
    HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput,
    ListPartsOutput, PutBucketCorsInput, PutBucketCorsOutput,
    PutBucketNotificationConfigurationInput, PutBucketNotificationConfigurationOutput,
    PutObjectInput, PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use super::store::Store;

// `s3s` logs each refusal as an error, and is therefore called without a log (see `super::S3`); what
// happens in here has the log of the caller again.
macro_rules! operations {
    ($($name:ident($input:ty) -> $output:ty = |$store:ident, $request:ident| $call:expr;)+) => {
        #[async_trait]
        impl S3 for Store {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                let log = request.extensions.get::<Dispatch>().cloned().unwrap_or_default();
                let call = async move {
                    let ($store, $request) = (self, request);
                    S3Result::Ok(S3Response::new($call))
                };
                call.with_subscriber(log).await
            })+
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = |s, r| s.create(r.input).await?;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = |s, r| {
        s.drop_bucket(r.input.bucket).await?;
        DeleteBucketOutput {}
    };
    head_bucket(HeadBucketInput) -> HeadBucketOutput = |s, r| s.bucket(r.input.bucket).await?;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput =
        |s, r| s.bucket_location(r.input.bucket).await?;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = |s, r| s.buckets(r.input).await?;
    put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput = |s, r| {
        s.put_cors(r.input.bucket, r.input.cors_configuration).await?;
        PutBucketCorsOutput::default()
    };
    get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput =
        |s, r| s.get_cors(r.input.bucket).await?;
    delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput = |s, r| {
        s.set_cors(r.input.bucket, None).await?;
        DeleteBucketCorsOutput::default()
    };
    put_bucket_notification_configuration(PutBucketNotificationConfigurationInput)
        -> PutBucketNotificationConfigurationOutput = |s, r| {
        s.put_notification(r.input).await?;
        PutBucketNotificationConfigurationOutput::default()
    };
    get_bucket_notification_configuration(GetBucketNotificationConfigurationInput)
        -> GetBucketNotificationConfigurationOutput =
        |s, r| s.get_notification(r.input.bucket).await?;

    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput =
        |s, r| s.versioning(r.input.bucket).await?;
    get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput =
        |s, r| s.bucket_acl(r.input.bucket).await?;
    get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput =
        |s, r| s.encryption(r.input.bucket).await?;
    get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput =
        |s, r| s.public_access_block(r.input.bucket).await?;
    get_bucket_ownership_controls(GetBucketOwnershipControlsInput)
        -> GetBucketOwnershipControlsOutput = |s, r| s.ownership(r.input.bucket).await?;
    get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput = |s, r| {
        s.not_configured(r.input.bucket, "NoSuchTagSet", "The TagSet does not exist").await?
    };
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
        -> GetBucketLifecycleConfigurationOutput = |s, r| {
        let message = "The lifecycle configuration does not exist";
        s.not_configured(r.input.bucket, "NoSuchLifecycleConfiguration", message).await?
    };
    get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput = |s, r| {
        let message = "The bucket policy does not exist";
        s.not_configured(r.input.bucket, "NoSuchBucketPolicy", message).await?
    };
    get_object_acl(GetObjectAclInput) -> GetObjectAclOutput =
        |s, r| s.object_acl(&r.input.bucket, &r.input.key).await?;

    put_object(PutObjectInput) -> PutObjectOutput = |s, r| s.put(r).await?;
    get_object(GetObjectInput) -> GetObjectOutput = |s, r| s.get(r.input).await?;
    head_object(HeadObjectInput) -> HeadObjectOutput = |s, r| s.head(r.input).await?;
    copy_object(CopyObjectInput) -> CopyObjectOutput = |s, r| s.copy(r).await?;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = |s, r| s.delete(r.input).await?;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput =
        |s, r| s.delete_many(r).await?;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput =
        |s, r| s.tags(r.input).await?;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = |s, r| s.list_v2(r.input).await?;

    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput =
        |s, r| s.create_upload(r.input).await?;
    upload_part(UploadPartInput) -> UploadPartOutput = |s, r| s.put_part(r).await?;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput =
        |s, r| s.copy_part(r.input).await?;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput =
        |s, r| s.complete(r.input).await?;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = |s, r| {
        s.abort(r.input).await?;
        AbortMultipartUploadOutput::default()
    };
    list_parts(ListPartsInput) -> ListPartsOutput = |s, r| s.parts(r.input).await?;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput =
        |s, r| s.uploads(r.input).await?;
}
