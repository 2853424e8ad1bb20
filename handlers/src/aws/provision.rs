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
use fotograma_core::{Error, Result};

use super::Aws;
use super::error::fault;

pub use users::DEMO_USER;

/// Makes bucket, queues, table, topic, user pool and demo user; `page_origins` are the origins
/// (`http://127.0.0.1:8000`) whose pages may send files to the bucket.
///
/// # Errors
/// When something could not be made.
pub async fn provision(aws: &Aws, page_origins: &[String]) -> Result<()> {
    // All at once is a large future, and is wanted once.
    Box::pin(make(aws, page_origins)).await
}

async fn make(aws: &Aws, page_origins: &[String]) -> Result<()> {
    let queues_and_bucket = async {
        let (queues, ()) =
            tokio::try_join!(messaging::queues(aws), storage::bucket(aws, page_origins))?;
        tokio::try_join!(
            messaging::topic(aws, &queues),
            storage::notifications(aws, &queues.upload_arn)
        )
    };
    tokio::try_join!(queues_and_bucket, storage::table(aws), users::pool(aws))?;
    Ok(())
}

/// The outcome of a call that makes something; `None` when AWS says by one of `codes` that it
/// was there.
fn made<T, E>(
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
        Err(error) => Err(fault(call, &error)),
    }
}

/// The error for a request that this program has put together wrongly.
fn wrong(error: impl Display) -> Error {
    Error::permanent(error.to_string())
}
