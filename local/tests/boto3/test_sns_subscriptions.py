"""SNS: subscriptions."""

import pytest
from botocore.exceptions import ClientError

from conftest import error_code
from topics import ARN, receive


def test_subscribing_again_gives_the_same_subscription(sns, topic, subscribed, unique):
    _, arn = subscribed()
    again = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": ARN + unique}
    assert sns.subscribe(**again)["SubscriptionArn"] == arn
    with pytest.raises(ClientError) as refused:
        sns.subscribe(**again, Attributes={"RawMessageDelivery": "true"})
    assert error_code(refused) == "InvalidParameter"
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [(s["SubscriptionArn"], s["Protocol"], s["Endpoint"]) for s in listed] == [
        (arn, "sqs", ARN + unique)
    ]


def test_unsubscribing_ends_deliveries(sns, sqs, topic, subscribed):
    queue, arn = subscribed("-ended", RawMessageDelivery="true")
    other, _ = subscribed("-kept", RawMessageDelivery="true")
    sns.unsubscribe(SubscriptionArn=arn)
    sns.unsubscribe(SubscriptionArn=arn)
    counts = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert counts["SubscriptionsConfirmed"] == "1"
    sns.publish(TopicArn=topic, Message="m")
    assert len(receive(sqs, other)) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    with pytest.raises(ClientError) as refused:
        sns.get_subscription_attributes(SubscriptionArn=arn)
    assert error_code(refused) == "NotFound"


def test_raw_delivery_can_be_switched(sns, sqs, topic, subscribed):
    queue, arn = subscribed()
    switch = {"SubscriptionArn": arn, "AttributeName": "RawMessageDelivery"}
    sns.set_subscription_attributes(**switch, AttributeValue="true")
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["RawMessageDelivery"] == "true"
    sns.publish(TopicArn=topic, Message="plain")
    assert [message["Body"] for message in receive(sqs, queue)] == ["plain"]
    with pytest.raises(ClientError) as refused:
        sns.set_subscription_attributes(**switch, AttributeValue="maybe")
    assert error_code(refused) == "InvalidParameter"
