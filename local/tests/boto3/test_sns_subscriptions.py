"""SNS: subscriptions and their filters."""

import json
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from conftest import error_code
from topics import ARN, receive, settle, text


# Filters


def test_a_filter_on_attributes(sns, sqs, topic, subscribed):
    policy = {"status": ["done", {"prefix": "fail"}], "size": [{"numeric": [">", 0, "<=", 150]}]}
    queue, _ = subscribed(FilterPolicy=json.dumps(policy))

    def publish(message, status, size):
        number = {"DataType": "Number", "StringValue": str(size)}
        sns.publish(
            TopicArn=topic, Message=message, MessageAttributes={"status": text(status), "size": number}
        )

    publish("wanted", "done", 150)
    publish("too large", "done", 151)
    publish("also wanted", "failed", 1)
    publish("other status", "queued", 1)
    sns.publish(TopicArn=topic, Message="no attributes")
    wanted = {"status": text("done"), "size": {"DataType": "Number", "StringValue": "1"}}
    assert sorted(settle(sns, sqs, topic, queue, wanted)) == ["also wanted", "wanted"]


def test_a_filter_on_the_body(sns, sqs, topic, subscribed):
    policy = {"video": {"status": ["done"]}}
    queue, _ = subscribed(
        FilterPolicy=json.dumps(policy), FilterPolicyScope="MessageBody", RawMessageDelivery="true"
    )
    for body in [{"video": {"status": "failed"}}, {"status": "done"}, {"video": {"status": "done"}}]:
        sns.publish(TopicArn=topic, Message=json.dumps(body))
    sns.publish(TopicArn=topic, Message="not json")
    (message,) = receive(sqs, queue)
    assert json.loads(message["Body"]) == {"video": {"status": "done"}}


def test_a_filter_can_be_changed(sns, sqs, topic, subscribed):
    queue, arn = subscribed(FilterPolicy=json.dumps({"status": ["done"]}))

    def set_policy(value):
        sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=value
        )

    set_policy(json.dumps({"status": ["failed"]}))
    sns.publish(TopicArn=topic, Message="done", MessageAttributes={"status": text("done")})
    sns.publish(TopicArn=topic, Message="failed", MessageAttributes={"status": text("failed")})
    assert settle(sns, sqs, topic, queue, {"status": text("failed")}) == ["failed"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert json.loads(attributes["FilterPolicy"]) == {"status": ["failed"]}
    assert attributes["FilterPolicyScope"] == "MessageAttributes"
    for policy in ["{", '{"a": "b"}', '{"a": []}', '{"a": [{"near": 1}]}']:
        with pytest.raises(ClientError) as refused:
            set_policy(policy)
        assert error_code(refused) == "InvalidParameter", policy
    set_policy("{}")
    assert "FilterPolicy" not in sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]


# Subscriptions


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
    assert (counts["SubscriptionsConfirmed"], counts["SubscriptionsDeleted"]) == ("1", "1")
    sns.publish(TopicArn=topic, Message="m")
    assert len(receive(sqs, other)) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    with pytest.raises(ClientError) as refused:
        sns.get_subscription_attributes(SubscriptionArn=arn)
    assert error_code(refused) == "NotFound"


def test_a_person_subscribes_by_mail(sns, topic, unique, local, endpoint):
    address = f"{unique}@example.com"
    reply = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    assert reply["SubscriptionArn"] == "pending confirmation"
    sns.publish(TopicArn=topic, Message="too early")
    (asked,) = local("GET", f"mail?to={address}")
    link = asked["text"].split()[-1]
    assert link.startswith(endpoint)
    with urllib.request.urlopen(link) as response:
        assert "subscribed" in response.read().decode()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(link)
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert authenticated(sns, listed["SubscriptionArn"]) == "false"
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    sns.publish(TopicArn=topic, Message="hello", Subject="News")
    deadline = time.monotonic() + 10
    while len(mails := local("GET", f"mail?to={address}")) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert mails[0]["subject"] == "News"
    assert mails[0]["text"].startswith("hello\n")
    assert len(mails) == 2
    urllib.request.urlopen(mails[0]["text"].split()[-1]).close()
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_token_confirms_through_the_api(sns, topic, unique, local):
    address = f"{unique}@example.com"
    sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint=address)
    link = local("GET", f"mail?to={address}")[0]["text"].split()[-1]
    with pytest.raises(ClientError) as refused:
        sns.confirm_subscription(TopicArn=topic, Token="wrong")
    assert error_code(refused) == "InvalidParameter"
    token = link.rsplit("Token=", 1)[1]
    arn = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "false"
    assert authenticated(sns, arn) == "true"


def test_a_token_confirms_for_two_days(sns, topic, unique, local):
    address = f"{unique}@example.com"

    def ask():
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
        return local("GET", f"mail?to={address}&limit=1")[0]["text"].rsplit("Token=", 1)[1].strip()

    old = ask()
    local("POST", "clock", {"advance_ms": 47 * 3_600_000})
    assert ask() == old
    local("POST", "clock", {"advance_ms": 2 * 3_600_000})
    with pytest.raises(ClientError) as refused:
        sns.confirm_subscription(TopicArn=topic, Token=old)
    assert error_code(refused) == "InvalidParameter"
    assert sns.confirm_subscription(TopicArn=topic, Token=ask())["SubscriptionArn"]


def authenticated(sns, arn):
    return sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["ConfirmationWasAuthenticated"]
