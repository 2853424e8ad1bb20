//! What tools ask of a bucket before they work with it, answered as AWS answers of a bucket whose
//! settings nobody has touched. None of these can be set here.

use http::StatusCode;
use s3s::dto::{
    GetBucketAclOutput, GetBucketEncryptionOutput, GetBucketOwnershipControlsOutput,
    GetBucketVersioningOutput, GetObjectAclOutput, GetPublicAccessBlockOutput, Grant, Grantee,
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, Permission,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Type,
};
use s3s::{S3Error, S3ErrorCode};

use super::error::S3Failure;
use super::rows;
use super::store::Store;

impl Store {
    async fn require_bucket(&self, bucket: String) -> Result<(), S3Failure> {
        self.read(move |connection| rows::require_bucket(connection, &bucket))
            .await
    }

    /// Never switched on.
    pub(super) async fn versioning(
        &self,
        bucket: String,
    ) -> Result<GetBucketVersioningOutput, S3Failure> {
        self.require_bucket(bucket).await?;
        Ok(GetBucketVersioningOutput::default())
    }

    /// The owner may do everything.
    pub(super) async fn bucket_acl(&self, bucket: String) -> Result<GetBucketAclOutput, S3Failure> {
        self.require_bucket(bucket).await?;
        Ok(GetBucketAclOutput {
            grants: Some(vec![self.grant_to_owner()]),
            owner: Some(self.owner()),
        })
    }

    pub(super) async fn object_acl(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<GetObjectAclOutput, S3Failure> {
        self.find(bucket, key).await?;
        Ok(GetObjectAclOutput {
            grants: Some(vec![self.grant_to_owner()]),
            owner: Some(self.owner()),
            request_charged: None,
        })
    }

    fn grant_to_owner(&self) -> Grant {
        Grant {
            grantee: Some(Grantee {
                display_name: None,
                email_address: None,
                id: self.owner().id,
                type_: Type::from_static(Type::CANONICAL_USER),
                uri: None,
            }),
            permission: Some(Permission::from_static(Permission::FULL_CONTROL)),
        }
    }

    /// Keys of S3's own.
    pub(super) async fn encryption(
        &self,
        bucket: String,
    ) -> Result<GetBucketEncryptionOutput, S3Failure> {
        self.require_bucket(bucket).await?;
        let algorithm = ServerSideEncryption::from_static(ServerSideEncryption::AES256);
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                kms_master_key_id: None,
                sse_algorithm: algorithm,
            }),
            bucket_key_enabled: Some(false),
        };
        Ok(GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration {
                rules: vec![rule],
            }),
        })
    }

    /// Blocked.
    pub(super) async fn public_access_block(
        &self,
        bucket: String,
    ) -> Result<GetPublicAccessBlockOutput, S3Failure> {
        self.require_bucket(bucket).await?;
        Ok(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(PublicAccessBlockConfiguration {
                block_public_acls: Some(true),
                block_public_policy: Some(true),
                ignore_public_acls: Some(true),
                restrict_public_buckets: Some(true),
            }),
        })
    }

    /// The bucket's.
    pub(super) async fn ownership(
        &self,
        bucket: String,
    ) -> Result<GetBucketOwnershipControlsOutput, S3Failure> {
        self.require_bucket(bucket).await?;
        let owner = ObjectOwnership::from_static(ObjectOwnership::BUCKET_OWNER_ENFORCED);
        Ok(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls {
                rules: vec![OwnershipControlsRule {
                    object_ownership: owner,
                }],
            }),
        })
    }

    /// The error that says that a bucket has no such configuration.
    pub(super) async fn not_configured<T>(
        &self,
        bucket: String,
        code: &'static str,
        message: &'static str,
    ) -> Result<T, S3Failure> {
        self.require_bucket(bucket).await?;
        let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
        error.set_status_code(StatusCode::NOT_FOUND);
        Err(error.into())
    }
}
