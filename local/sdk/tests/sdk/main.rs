//! The local AWS through the AWS SDK for Rust, in one process: each service on success, on failure
//! and across a restart.

mod cognito;
mod dynamodb;
mod messages;
mod s3;
mod trouble;

use aws_config::SdkConfig;
use fotograma_local::{Config, Local};
use fotograma_local_sdk::{Aws, sdk};

/// The code of an SDK's error.
fn code<E>(error: &aws_sdk_s3::error::SdkError<E>) -> Option<&str>
where
    E: aws_sdk_s3::error::ProvideErrorMetadata,
{
    error.as_service_error()?.code()
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let aws = Aws::start().await;
    let config = Config {
        data_dir: Some(aws.folder.path().to_owned()),
        ..Config::default()
    };
    let second = Local::start(config.clone()).await;
    assert!(matches!(second, Err(fotograma_local::Error::InUse { .. })));
    aws.local.stop().await;
    let third = Local::start(config)
        .await
        .expect("the folder is free again");
    third.stop().await;
}

#[tokio::test]
async fn an_ephemeral_one_leaves_nothing_and_many_live_side_by_side() {
    let (one, two) = (
        Local::start(Config::default()).await.expect("one"),
        Local::start(Config::default()).await.expect("two"),
    );
    let s3 = |sdk: &SdkConfig| {
        let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    };
    let (of_one, of_two) = (s3(&sdk(one.url()).await), s3(&sdk(two.url()).await));
    of_one
        .create_bucket()
        .bucket("mine")
        .send()
        .await
        .expect("a bucket");
    assert!(
        of_two
            .list_buckets()
            .send()
            .await
            .expect("a list")
            .buckets()
            .is_empty()
    );
    one.stop().await;
    two.stop().await;
}
