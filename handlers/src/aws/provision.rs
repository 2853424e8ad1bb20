//! Makes everything that the system needs on an AWS that is one's own: the embedded one, or an
//! emulator. Real accounts are provisioned by the project's CDK app.
//!
//! Every step finds what is there already and leaves it, so that a restart changes nothing.

mod messaging;
mod storage;
mod users;

use std::fmt::Display;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use fotograma_core::features::resources;
use fotograma_core::{Error, Result};
use lambda_anywhere::{Context, Feature};

use super::Aws;
use super::error::sdk_error;

pub use users::DEMO_USER;

/// Makes the bucket, the status table, the user pool with a demo user, and the queues, topics and
/// groups that the rows of `features` need; `page_origins` are the origins (`http://127.0.0.1:8000`)
/// whose pages may send files to the bucket.
///
/// # Errors
/// When something could not be made.
pub async fn provision<C: Context>(
    aws: &Aws,
    features: &'static [Feature<C>],
    page_origins: &[String],
) -> Result<()> {
    // All at once is a large future, and is wanted once.
    Box::pin(provision_all(aws, features, page_origins)).await
}

async fn provision_all<C: Context>(
    aws: &Aws,
    features: &'static [Feature<C>],
    page_origins: &[String],
) -> Result<()> {
    let subscriptions = resources::subscriptions(features);
    let notifications = resources::bucket_notifications(features);
    let groups = resources::groups(features);
    let queues_and_bucket = async {
        let queues = resources::queues(features);
        let (arns, ()) = tokio::try_join!(
            messaging::create_queues(aws, &queues),
            storage::create_bucket(aws, page_origins)
        )?;
        tokio::try_join!(
            messaging::subscribe_queues(aws, &subscriptions, &arns),
            storage::notify_queues(aws, &notifications, &arns)
        )
    };
    tokio::try_join!(
        queues_and_bucket,
        storage::create_table(aws),
        users::create_pool_and_client(aws, &groups)
    )?;
    Ok(())
}

/// The outcome of a call that creates something; `None` when AWS says by one of `codes` that it is
/// there already.
fn unless_there<T, E>(
    call: &str,
    outcome: Result<T, SdkError<E, HttpResponse>>,
    codes: &[&str],
) -> Result<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match outcome {
        Ok(output) => Ok(Some(output)),
        Err(SdkError::ServiceError(refusal))
            if refusal
                .err()
                .code()
                .is_some_and(|code| codes.contains(&code)) =>
        {
            Ok(None)
        }
        Err(error) => Err(sdk_error(call, &error)),
    }
}

/// The error for a request that this program has put together wrongly.
fn builder_error(error: impl Display) -> Error {
    Error::operational(error.to_string())
}
