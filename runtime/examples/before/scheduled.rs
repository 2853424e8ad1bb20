//! A function that the clock sets off, as for `lambda_runtime`.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tokio::io::{AsyncWriteExt, stdout};

async fn function_handler(event: LambdaEvent<EventBridgeEvent>) -> Result<(), Error> {
    stdout().write_all(event.payload.source.as_bytes()).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(function_handler)).await
}
