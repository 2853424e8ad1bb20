//! A function that the clock sets off, as for `lambda_runtime`.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use lambda_anywhere::{Feature, Host, standalone};
use lambda_runtime::{Context, Error, LambdaEvent};
use tokio::io::{AsyncWriteExt, stdout};

async fn function_handler(event: LambdaEvent<EventBridgeEvent>) -> Result<(), Error> {
    stdout().write_all(event.payload.source.as_bytes()).await?;
    Ok(())
}

pub(crate) const CLEANUP: Feature<()> = Feature::on_schedule("cleanup", 24 * 3_600, |(), event| {
    Box::pin(async { Ok(function_handler(LambdaEvent::new(event, Context::default())).await?) })
});
static TABLE: [Feature<()>; 1] = [CLEANUP];

#[tokio::main]
async fn main() -> Result<(), Error> {
    Ok(standalone::run(Host::new((), &TABLE)).await?)
}
