//! `DynamoDB`: conditional writes, the index, time to live, a restart.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, TimeToLiveSpecification,
};

use super::{Aws, code};

async fn table(client: &aws_sdk_dynamodb::Client) {
    let id = AttributeDefinition::builder()
        .attribute_name("video_id")
        .attribute_type(ScalarAttributeType::S)
        .build()
        .expect("an attribute");
    let key = KeySchemaElement::builder()
        .attribute_name("video_id")
        .key_type(KeyType::Hash)
        .build()
        .expect("a key");
    client
        .create_table()
        .table_name("videos")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(id)
        .key_schema(key)
        .send()
        .await
        .expect("a table");
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn a_condition_decides_and_survives_a_restart() {
    let aws = Aws::start().await;
    table(&aws.dynamodb()).await;
    let put = |aws: &Aws, status: &str| {
        aws.dynamodb()
            .put_item()
            .table_name("videos")
            .item("video_id", text("v1"))
            .item("status", text(status))
            .condition_expression("attribute_not_exists(video_id)")
            .send()
    };
    put(&aws, "queued").await.expect("the first");
    let aws = aws.restart().await;
    let again = put(&aws, "done").await.expect_err("the second");
    assert_eq!(code(&again), Some("ConditionalCheckFailedException"));
    let key = HashMap::from([("video_id".to_owned(), text("v1"))]);
    let got = aws
        .dynamodb()
        .get_item()
        .table_name("videos")
        .set_key(Some(key))
        .send()
        .await;
    let item = got.expect("a get").item.expect("the item");
    assert_eq!(item["status"], text("queued"));
    let absent = aws
        .dynamodb()
        .scan()
        .table_name("none-such")
        .send()
        .await
        .expect_err("absent");
    assert_eq!(code(&absent), Some("ResourceNotFoundException"));
    aws.local.stop().await;
}

#[tokio::test]
async fn an_item_past_its_time_goes_when_the_clock_moves() {
    let aws = Aws::start().await;
    let client = aws.dynamodb();
    table(&client).await;
    let ttl = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name("until")
        .build();
    client
        .update_time_to_live()
        .table_name("videos")
        .time_to_live_specification(ttl.expect("a rule"))
        .send()
        .await
        .expect("a time to live");
    let until = aws.local.clock().now_ms() / 1000 + 3600;
    client
        .put_item()
        .table_name("videos")
        .item("video_id", text("v1"))
        .item("until", AttributeValue::N(until.to_string()))
        .send()
        .await
        .expect("an item");
    aws.local.clock().advance(Duration::from_hours(2));
    let gone = async {
        while client
            .scan()
            .table_name("videos")
            .send()
            .await
            .expect("a scan")
            .count()
            > 0
        {}
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .expect("it goes");
    aws.local.stop().await;
}
