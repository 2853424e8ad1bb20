//! SQS, SNS and SES: what is sent arrives, also when the receiver came later or the server went.

use std::time::Duration;

use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use aws_sdk_sqs::types::QueueAttributeName;

use super::{Aws, code};

async fn queue(aws: &Aws, name: &str) -> (String, String) {
    let made = aws
        .sqs()
        .create_queue()
        .queue_name(name)
        .send()
        .await
        .expect("a queue");
    let url = made.queue_url.expect("its address");
    let attributes = aws
        .sqs()
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .expect("its attributes");
    let arn = attributes.attributes.expect("some")[&QueueAttributeName::QueueArn].clone();
    (url, arn)
}

async fn receive(aws: &Aws, url: &str, wait: i32) -> Vec<aws_sdk_sqs::types::Message> {
    let receive = aws
        .sqs()
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10);
    let got = receive
        .wait_time_seconds(wait)
        .send()
        .await
        .expect("an answer");
    got.messages.unwrap_or_default()
}

#[tokio::test]
async fn a_message_is_hidden_comes_again_and_can_be_given_back() {
    let aws = Aws::start().await;
    let (url, _) = queue(&aws, "jobs").await;
    aws.sqs()
        .send_message()
        .queue_url(&url)
        .message_body("job")
        .send()
        .await
        .expect("a send");
    let first = receive(&aws, &url, 0).await.remove(0);
    assert_eq!(first.body(), Some("job"));
    let aws = aws.restart().await;
    assert!(
        receive(&aws, &url, 0).await.is_empty(),
        "hidden, also after a restart"
    );
    aws.local.clock().advance(Duration::from_secs(31));
    let second = receive(&aws, &url, 0).await.remove(0);
    assert_ne!(first.receipt_handle(), second.receipt_handle());
    aws.sqs()
        .change_message_visibility()
        .queue_url(&url)
        .set_receipt_handle(second.receipt_handle)
        .visibility_timeout(0)
        .send()
        .await
        .expect("given back");
    let third = receive(&aws, &url, 0).await.remove(0);
    aws.sqs()
        .delete_message()
        .queue_url(&url)
        .set_receipt_handle(third.receipt_handle)
        .send()
        .await
        .expect("a delete");
    aws.local.clock().advance(Duration::from_hours(1));
    assert!(receive(&aws, &url, 0).await.is_empty());
    let absent = aws
        .sqs()
        .get_queue_url()
        .queue_name("none")
        .send()
        .await
        .expect_err("absent");
    assert!(absent.as_service_error().is_some_and(
        aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError::is_queue_does_not_exist
    ));
    aws.local.stop().await;
}

#[tokio::test]
async fn a_long_poll_wakes_on_send() {
    let aws = Aws::start().await;
    let (url, _) = queue(&aws, "jobs").await;
    let sender = aws.sqs();
    let send = async {
        tokio::task::yield_now().await;
        sender
            .send_message()
            .queue_url(&url)
            .message_body("now")
            .send()
            .await
            .expect("a send");
    };
    let poll = tokio::time::timeout(Duration::from_secs(5), receive(&aws, &url, 20));
    let (got, ()) = tokio::join!(poll, send);
    assert_eq!(got.expect("woken")[0].body(), Some("now"));
    aws.local.stop().await;
}

#[tokio::test]
async fn a_topic_reaches_its_queues() {
    let aws = Aws::start().await;
    let (url, arn) = queue(&aws, "notes").await;
    let topic = aws
        .sns()
        .create_topic()
        .name("topic")
        .send()
        .await
        .expect("a topic");
    let topic = topic.topic_arn.expect("its name");
    aws.sns()
        .subscribe()
        .topic_arn(&topic)
        .protocol("sqs")
        .endpoint(&arn)
        .send()
        .await
        .expect("a subscription");
    let aws = aws.restart().await;
    aws.sns()
        .publish()
        .topic_arn(&topic)
        .message("done")
        .send()
        .await
        .expect("a publication");
    let got = receive(&aws, &url, 5).await.remove(0);
    let envelope: serde_json::Value =
        serde_json::from_str(got.body().expect("a body")).expect("JSON");
    assert_eq!(envelope["Message"], "done");
    assert_eq!(envelope["TopicArn"], topic.as_str());
    let absent = format!("{topic}-none");
    let refused = aws
        .sns()
        .publish()
        .topic_arn(absent)
        .message("x")
        .send()
        .await;
    assert_eq!(code(&refused.expect_err("absent")), Some("NotFound"));
    aws.local.stop().await;
}

#[tokio::test]
async fn a_mail_lands_in_the_mailbox_and_stays() {
    let aws = Aws::start().await;
    let content = |text: &str| Content::builder().data(text).build().expect("a text");
    let message = Message::builder()
        .subject(content("done"))
        .body(Body::builder().text(content("your frames")).build())
        .build();
    aws.ses()
        .send_email()
        .from_email_address("fotograma@example.com")
        .destination(
            Destination::builder()
                .to_addresses("paulo@example.com")
                .build(),
        )
        .content(EmailContent::builder().simple(message).build())
        .send()
        .await
        .expect("a mail");
    let aws = aws.restart().await;
    let address = format!("{}/_local/mail?to=paulo@example.com", aws.local.url());
    let (status, body) = super::trouble::fetch(http::Request::get(address), b"").await;
    let mails: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, mails[0]["subject"].as_str()), (200, Some("done")));
    aws.local.stop().await;
}
