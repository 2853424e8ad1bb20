//! The limit: a loop that receives ten messages and deletes them, and nothing else.

use std::error::Error;

use aws_config::BehaviorVersion;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use fotograma_bench::{Delays, Master};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args()
        .nth(1)
        .ok_or("the queue's URL is missing")?;
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    let client = Client::new(&config.load().await);
    let delays = Delays::default();
    let master = Master::ready().await?;
    tokio::select! {
        over = master.over() => over?,
        failed = consume(&client, &url, &delays) => failed?,
    }
    delays.print();
    Ok(())
}

async fn consume(client: &Client, url: &str, delays: &Delays) -> Result<(), Box<dyn Error>> {
    loop {
        let receive = client.receive_message().queue_url(url);
        let received = receive
            .max_number_of_messages(10)
            .wait_time_seconds(20)
            .send()
            .await?;
        let mut entries = Vec::with_capacity(10);
        for (id, message) in received
            .messages
            .unwrap_or_default()
            .into_iter()
            .enumerate()
        {
            delays.handled(message.body.as_deref().unwrap_or_default());
            let entry = DeleteMessageBatchRequestEntry::builder().id(id.to_string());
            entries.push(entry.set_receipt_handle(message.receipt_handle).build()?);
        }
        if !entries.is_empty() {
            let delete = client.delete_message_batch().queue_url(url);
            delete.set_entries(Some(entries)).send().await?;
        }
    }
}
