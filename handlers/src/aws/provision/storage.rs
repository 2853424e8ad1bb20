//! The bucket, which pages may send to and which tells of what arrives, and the status table.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus,
};
use aws_sdk_s3::types::{
    BucketLocationConstraint, CorsConfiguration, CorsRule, CreateBucketConfiguration, Event,
    FilterRule, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter,
    QueueConfiguration, S3KeyFilter,
};
use fotograma_core::Result;
use fotograma_core::features::resources::{OPEN_INDEX, USER_INDEX};

use super::messaging::{Arns, arn_of};
use super::{builder_error, unless_there};
use crate::aws::Aws;
use crate::aws::error::sdk_error;
use crate::aws::videos::OPEN;

/// The one region whose name S3 does not want to hear.
const UNNAMED_REGION: &str = "us-east-1";
/// How long the table may take to be ready; an emulator's is at once.
const TABLE_READY: Duration = Duration::from_mins(1);

pub(super) async fn create_bucket(aws: &Aws, page_origins: &[String]) -> Result<()> {
    let bucket = aws.settings().bucket();
    let place = (aws.region() != UNNAMED_REGION).then(|| {
        let region = BucketLocationConstraint::from(aws.region());
        CreateBucketConfiguration::builder()
            .location_constraint(region)
            .build()
    });
    let create = aws
        .s3()
        .create_bucket()
        .bucket(&bucket)
        .set_create_bucket_configuration(place);
    unless_there(
        "s3 CreateBucket",
        create.send().await,
        &["BucketAlreadyOwnedByYou"],
    )?;
    if page_origins.is_empty() {
        return Ok(());
    }
    let rule = CorsRule::builder()
        .set_allowed_origins(Some(page_origins.to_vec()))
        .set_allowed_methods(Some(["GET", "HEAD", "PUT"].map(str::to_owned).into()))
        .allowed_headers("*")
        // The page shows frames by reading parts of the zip.
        .set_expose_headers(Some(["ETag", "Content-Range"].map(str::to_owned).into()))
        .max_age_seconds(3_600)
        .build()
        .map_err(builder_error)?;
    let cors = CorsConfiguration::builder()
        .cors_rules(rule)
        .build()
        .map_err(builder_error)?;
    let put = aws
        .s3()
        .put_bucket_cors()
        .bucket(&bucket)
        .cors_configuration(cors);
    put.send()
        .await
        .map_err(|error| sdk_error("s3 PutBucketCors", &error))?;
    Ok(())
}

/// The bucket tells a queue of every object that arrives under its prefix.
pub(super) async fn notify_queues(
    aws: &Aws,
    notifications: &[(&str, &str)],
    arns: &Arns,
) -> Result<()> {
    let bucket = aws.settings().bucket();
    let get = aws
        .s3()
        .get_bucket_notification_configuration()
        .bucket(&bucket)
        .send()
        .await;
    let has = get.map_err(|error| sdk_error("s3 GetBucketNotificationConfiguration", &error))?;
    let mut told = Vec::new();
    for (prefix, queue) in notifications {
        told.push(queue_configuration(prefix, arn_of(arns, queue)?)?);
    }
    // Each new configuration is told to the queues by a test event.
    let is_told = |wanted: &QueueConfiguration| {
        let mut known = has.queue_configurations().iter();
        known.any(|known| known.queue_arn() == wanted.queue_arn())
    };
    if told.iter().all(is_told) {
        return Ok(());
    }
    let configuration = NotificationConfiguration::builder()
        .set_queue_configurations(Some(told))
        .build();
    let put = aws
        .s3()
        .put_bucket_notification_configuration()
        .bucket(&bucket);
    put.notification_configuration(configuration)
        .send()
        .await
        .map_err(|error| sdk_error("s3 PutBucketNotificationConfiguration", &error))?;
    Ok(())
}

fn queue_configuration(prefix: &str, queue_arn: &str) -> Result<QueueConfiguration> {
    let rule = FilterRule::builder()
        .name(FilterRuleName::Prefix)
        .value(prefix)
        .build();
    let filter = S3KeyFilter::builder().filter_rules(rule).build();
    QueueConfiguration::builder()
        .id(prefix.trim_end_matches('/'))
        .queue_arn(queue_arn)
        .events(Event::S3ObjectCreated)
        .filter(
            NotificationConfigurationFilter::builder()
                .key(filter)
                .build(),
        )
        .build()
        .map_err(builder_error)
}

pub(super) async fn create_table(aws: &Aws) -> Result<()> {
    let table = aws.settings().table();
    let by_user = index(USER_INDEX, "user_id", "created_at", ProjectionType::All)?;
    let open = index(OPEN_INDEX, OPEN, "updated_at", ProjectionType::KeysOnly)?;
    let create = aws
        .dynamodb()
        .create_table()
        .table_name(&table)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("video_id", KeyType::Hash)?)
        .attribute_definitions(text("video_id")?)
        .attribute_definitions(text("user_id")?)
        .attribute_definitions(text("created_at")?)
        .attribute_definitions(text(OPEN)?)
        .attribute_definitions(text("updated_at")?)
        .global_secondary_indexes(by_user)
        .global_secondary_indexes(open);
    unless_there(
        "dynamodb CreateTable",
        create.send().await,
        &["ResourceInUseException"],
    )?;
    aws.dynamodb()
        .wait_until_table_exists()
        .table_name(&table)
        .wait(TABLE_READY)
        .await
        .map_err(builder_error)?;
    enable_time_to_live(aws, &table).await
}

async fn enable_time_to_live(aws: &Aws, table: &str) -> Result<()> {
    let describe = aws
        .dynamodb()
        .describe_time_to_live()
        .table_name(table)
        .send()
        .await;
    let status = describe
        .map_err(|error| sdk_error("dynamodb DescribeTimeToLive", &error))?
        .time_to_live_description
        .and_then(|description| description.time_to_live_status);
    if matches!(
        status,
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
    ) {
        return Ok(());
    }
    let specification = TimeToLiveSpecification::builder()
        .attribute_name("deleted_until")
        .enabled(true)
        .build()
        .map_err(builder_error)?;
    let update = aws.dynamodb().update_time_to_live().table_name(table);
    update
        .time_to_live_specification(specification)
        .send()
        .await
        .map_err(|error| sdk_error("dynamodb UpdateTimeToLive", &error))?;
    Ok(())
}

fn index(
    name: &str,
    hash: &str,
    range: &str,
    projection: ProjectionType,
) -> Result<GlobalSecondaryIndex> {
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .key_schema(key(hash, KeyType::Hash)?)
        .key_schema(key(range, KeyType::Range)?)
        .projection(Projection::builder().projection_type(projection).build())
        .build()
        .map_err(builder_error)
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .map_err(builder_error)
}

fn text(name: &str) -> Result<AttributeDefinition> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(builder_error)
}
