//! Buckets and their configurations.

use rusqlite::params;
use s3s::dto::{
    Bucket, BucketLocationConstraint, CORSConfiguration, CreateBucketInput, CreateBucketOutput,
    GetBucketCorsOutput, GetBucketLocationOutput, GetBucketNotificationConfigurationOutput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput, PutBucketNotificationConfigurationInput,
};
use s3s::{S3Error, S3ErrorCode, s3_error};

use super::error::S3Failure;
use super::rows::{self, BucketConfig, timestamp};
use super::store::{Effects, Store};
use super::{cors, notifications, refuse};

/// The region whose name AWS leaves out, and where creating one's own bucket again is no error.
const FIRST_REGION: &str = "us-east-1";

impl Store {
    pub(super) async fn create(
        &self,
        input: CreateBucketInput,
    ) -> Result<CreateBucketOutput, S3Failure> {
        refuse::create_bucket(&input)?;
        let location = format!("/{}", input.bucket);
        self.write(None, move |connection, store| {
            let created = connection
                .prepare_cached(
                    "INSERT INTO s3_bucket (name, created_ms) VALUES (?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![input.bucket, store.context.clock.now_ms()])?;
            if created == 0 && store.context.config.region != FIRST_REGION {
                let message = "Your previous request to create the named bucket succeeded and you \
                               already own it.";
                return Err(s3_error!(BucketAlreadyOwnedByYou, "{message}").into());
            }
            Ok(((), Effects::default()))
        })
        .await?;
        Ok(CreateBucketOutput {
            location: Some(location),
        })
    }

    pub(super) async fn drop_bucket(&self, bucket: String) -> Result<(), S3Failure> {
        self.write(None, move |connection, _| {
            rows::require_bucket(connection, &bucket)?;
            let mut statement =
                connection.prepare_cached("SELECT 1 FROM s3_object WHERE bucket = ? LIMIT 1")?;
            if statement.exists([&bucket])? {
                let message = "The bucket you tried to delete is not empty";
                return Err(s3_error!(BucketNotEmpty, "{message}").into());
            }
            let mut statement = connection.prepare_cached(
                "SELECT blob FROM s3_part WHERE upload IN (SELECT id FROM s3_upload WHERE bucket = ?)",
            )?;
            let unnamed = statement.query_map([&bucket], |row| row.get(0))?;
            let unnamed = unnamed.collect::<rusqlite::Result<_>>()?;
            connection.prepare_cached("DELETE FROM s3_upload WHERE bucket = ?")?.execute([&bucket])?;
            connection.prepare_cached("DELETE FROM s3_bucket WHERE name = ?")?.execute([&bucket])?;
            Ok(((), Effects { unnamed, queues: Vec::new() }))
        })
        .await
    }

    pub(super) async fn bucket(&self, bucket: String) -> Result<HeadBucketOutput, S3Failure> {
        self.read(move |connection| rows::require_bucket(connection, &bucket))
            .await?;
        Ok(HeadBucketOutput {
            bucket_region: Some(self.context.config.region.clone()),
            ..HeadBucketOutput::default()
        })
    }

    pub(super) async fn bucket_location(
        &self,
        bucket: String,
    ) -> Result<GetBucketLocationOutput, S3Failure> {
        self.read(move |connection| rows::require_bucket(connection, &bucket))
            .await?;
        let region = self.context.config.region.clone();
        let named = (region != FIRST_REGION).then(|| BucketLocationConstraint::from(region));
        Ok(GetBucketLocationOutput {
            location_constraint: named,
        })
    }

    pub(super) async fn buckets(
        &self,
        input: ListBucketsInput,
    ) -> Result<ListBucketsOutput, S3Failure> {
        let limit = input.max_buckets.unwrap_or(10_000);
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.unwrap_or_default();
        let mut buckets: Vec<Bucket> = self
            .read(move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT name, created_ms FROM s3_bucket \
                     WHERE name > ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3",
                )?;
                let found = statement.query_map(params![after, prefix, limit + 1], |row| {
                    Ok(Bucket {
                        bucket_region: None,
                        creation_date: Some(timestamp(row.get(1)?)),
                        name: Some(row.get(0)?),
                    })
                })?;
                Ok(found.collect::<rusqlite::Result<_>>()?)
            })
            .await?;
        let more = buckets.len() > usize::try_from(limit).unwrap_or_default();
        buckets.truncate(usize::try_from(limit).unwrap_or_default());
        let last = buckets.last().and_then(|bucket| bucket.name.clone());
        Ok(ListBucketsOutput {
            buckets: Some(buckets),
            continuation_token: last.filter(|_| more),
            owner: Some(self.owner()),
            prefix: input.prefix,
        })
    }

    pub(super) async fn put_cors(
        &self,
        bucket: String,
        configuration: CORSConfiguration,
    ) -> Result<(), S3Failure> {
        let rules = serde_json::to_string(&cors::parse_rules(configuration)?)?;
        self.set_cors(bucket, Some(rules)).await
    }

    pub(super) async fn get_cors(&self, bucket: String) -> Result<GetBucketCorsOutput, S3Failure> {
        let stored = self
            .read(move |connection| BucketConfig::Cors.get(connection, &bucket))
            .await?;
        let Some(stored) = stored else {
            let mut error = S3Error::with_message(
                S3ErrorCode::NoSuchCORSConfiguration,
                "The CORS configuration does not exist",
            );
            error.set_status_code(http::StatusCode::NOT_FOUND);
            return Err(error.into());
        };
        let rules = cors::to_dto(serde_json::from_str(&stored)?);
        Ok(GetBucketCorsOutput {
            cors_rules: Some(rules),
        })
    }

    /// Writes or clears the rules.
    pub(super) async fn set_cors(
        &self,
        bucket: String,
        rules: Option<String>,
    ) -> Result<(), S3Failure> {
        self.write(None, move |connection, _| {
            BucketConfig::Cors.set(connection, &bucket, rules.as_deref())?;
            Ok(((), Effects::default()))
        })
        .await
    }

    pub(super) async fn put_notification(
        &self,
        input: PutBucketNotificationConfigurationInput,
    ) -> Result<(), S3Failure> {
        let rules = notifications::parse_rules(input.notification_configuration)?;
        self.write(None, move |connection, store| {
            let queues = notifications::save_rules(
                connection,
                &store.context,
                &store.sqs.names,
                &input.bucket,
                &rules,
            )?;
            Ok((
                (),
                Effects {
                    unnamed: Vec::new(),
                    queues,
                },
            ))
        })
        .await
    }

    pub(super) async fn get_notification(
        &self,
        bucket: String,
    ) -> Result<GetBucketNotificationConfigurationOutput, S3Failure> {
        let rules = self
            .read(move |connection| notifications::load_rules(connection, &bucket))
            .await?;
        Ok(GetBucketNotificationConfigurationOutput {
            queue_configurations: Some(notifications::queue_configurations(rules)),
            ..GetBucketNotificationConfigurationOutput::default()
        })
    }
}
