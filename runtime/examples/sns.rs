//! An SNS function, as for `lambda_runtime`.

use aws_lambda_events::sns::SnsEvent;
use lambda_anywhere::{Feature, Host, standalone};
use lambda_runtime::{Context, Error, LambdaEvent};
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

pub(crate) const NEWS: Feature<()> = Feature::on_topic("news", "news", "news", |(), event| {
    Box::pin(async { Ok(function_handler(LambdaEvent::new(event, Context::default())).await?) })
});
static TABLE: [Feature<()>; 1] = [NEWS];

#[tokio::main]
async fn main() -> Result<(), Error> {
    Ok(standalone::run(Host::new((), &TABLE)).await?)
}
