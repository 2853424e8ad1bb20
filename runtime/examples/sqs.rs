//! An SQS function with partial failures, as for `lambda_runtime`.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_anywhere::{Feature, Host, standalone};
use lambda_runtime::{Context, Error, LambdaEvent};
use serde::Deserialize;
use tokio::io::{AsyncWriteExt, stdout};

#[derive(Deserialize)]
struct Order {
    item: String,
    quantity: u32,
}

async fn function_handler(event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in event.payload.records {
        if let Err(error) = take_order(&message).await {
            eprintln!("an order could not be taken: {error}");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

async fn take_order(message: &SqsMessage) -> Result<(), Error> {
    let order: Order = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
    if order.quantity == 0 {
        return Err(format!("nothing of {} was ordered", order.item).into());
    }
    stdout().write_all(order.item.as_bytes()).await?;
    Ok(())
}

pub(crate) const ORDERS: Feature<()> = Feature::on_queue("orders", "order-queue", |(), event| {
    Box::pin(async { Ok(function_handler(LambdaEvent::new(event, Context::default())).await?) })
});
static TABLE: [Feature<()>; 1] = [ORDERS];

#[tokio::main]
async fn main() -> Result<(), Error> {
    Ok(standalone::run(Host::new((), &TABLE)).await?)
}
