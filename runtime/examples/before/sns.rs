//! An SNS function, as for `lambda_runtime`.

use aws_lambda_events::sns::SnsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tokio::io::{AsyncWriteExt, stdout};

async fn function_handler(event: LambdaEvent<SnsEvent>) -> Result<(), Error> {
    for record in event.payload.records {
        if record.sns.message.is_empty() {
            return Err("there is nothing to tell".into());
        }
        stdout().write_all(record.sns.message.as_bytes()).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(function_handler)).await
}
