"""SNS: topics and deliveries."""

import json
import time
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError

from conftest import error_code
from raw import send
from topics import ARN, receive, text


# Topics


def test_a_topic_is_made_once(sns, unique):
    arn = sns.create_topic(Name=unique)["TopicArn"]
    assert arn == f"arn:aws:sns:us-east-1:000000000000:{unique}"
    assert sns.create_topic(Name=unique)["TopicArn"] == arn
    pages = sns.get_paginator("list_topics").paginate()
    assert arn in [topic["TopicArn"] for page in pages for topic in page["Topics"]]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    with pytest.raises(ClientError) as refused:
        sns.publish(TopicArn=arn, Message="m")
    assert error_code(refused) == "NotFound"


def test_a_topic_has_attributes(sns, topic, subscribed):
    subscribed()
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["SubscriptionsConfirmed"] == "1"
    assert json.loads(attributes["Policy"])["Statement"][0]["Resource"] == topic


def test_what_is_not_served_is_refused_by_name(sns, server, unique, topic):
    if server is None:
        pytest.skip("others may serve it")
    queue = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": ARN + unique}
    for name, call in [
        ("FifoTopic", lambda: sns.create_topic(Name=f"{unique}.fifo", Attributes={"FifoTopic": "true"})),
        ("DisplayName", lambda: sns.create_topic(Name=unique, Attributes={"DisplayName": "n"})),
        ("Tags", lambda: sns.create_topic(Name=unique, Tags=[{"Key": "k", "Value": "v"}])),
        ("https", lambda: sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://example.com")),
        ("email", lambda: sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com")),
        ("FilterPolicy", lambda: sns.subscribe(**queue, Attributes={"FilterPolicy": "{}"})),
        ("PhoneNumber", lambda: sns.publish(PhoneNumber="+351000000000", Message="m")),
        ("MessageStructure", lambda: sns.publish(TopicArn=topic, Message="{}", MessageStructure="json")),
    ]:
        with pytest.raises(ClientError, match=name) as refused:
            call()
        assert error_code(refused) == "InvalidParameter"
    batch = [{"Id": "1", "Message": "m"}]
    for name, call in [
        ("ListPlatformApplications", sns.list_platform_applications),
        ("PublishBatch", lambda: sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=batch)),
        ("TagResource", lambda: sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "k", "Value": "v"}])),
    ]:
        with pytest.raises(ClientError, match=name) as refused:
            call()
        assert error_code(refused) == "InvalidAction"


# Deliveries


def test_an_envelope_carries_the_message(sns, sqs, topic, subscribed):
    queue, _ = subscribed()
    attributes = {"status": text("done"), "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sent = sns.publish(TopicArn=topic, Message="olá <&>", Subject="News", MessageAttributes=attributes)
    (message,) = receive(sqs, queue)
    assert "MessageAttributes" not in message
    envelope = json.loads(message["Body"])
    assert envelope["Type"] == "Notification"
    assert envelope["MessageId"] == sent["MessageId"]
    assert (envelope["TopicArn"], envelope["Subject"]) == (topic, "News")
    assert envelope["Message"] == "olá <&>"
    assert envelope["MessageAttributes"] == {
        "status": {"Type": "String", "Value": "done"},
        "bytes": {"Type": "Binary", "Value": "AP8="},
    }
    assert envelope["Timestamp"].endswith("Z")


def test_raw_delivery_carries_only_the_message(sns, sqs, topic, subscribed):
    queue, _ = subscribed(RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message='{"a": 1}', MessageAttributes={"status": text("done")})
    (message,) = receive(sqs, queue)
    assert message["Body"] == '{"a": 1}'
    assert message["MessageAttributes"] == {"status": text("done")}


def test_every_subscription_gets_a_copy(sns, sqs, topic, subscribed):
    queues = [subscribed(f"-{n}")[0] for n in range(3)]
    sns.publish(TopicArn=topic, Message="m")
    for queue in queues:
        assert len(receive(sqs, queue)) == 1


def test_a_publication_is_checked(sns, topic):
    for options in [
        {"Message": ""},
        {"Message": "x" * (256 * 1024 + 1)},
        {"Message": "m", "Subject": "two\nlines"},
        {"Message": "m", "Subject": "x" * 101},
    ]:
        with pytest.raises(ClientError) as refused:
            sns.publish(TopicArn=topic, **options)
        assert error_code(refused) == "InvalidParameter", options


# Failures


def test_a_delivery_is_retried(sns, sqs, topic, subscribed, local):
    queue, _ = subscribed(RawMessageDelivery="true")
    local("POST", "faults", {"service": "sqs", "operation": "SendMessage", "kind": "throttle", "count": 5})
    sns.publish(TopicArn=topic, Message="m")
    local("POST", "clock", {"advance_ms": 1_000})
    deadline = time.monotonic() + 10
    while not (found := receive(sqs, queue)) and time.monotonic() < deadline:
        local("POST", "clock", {"advance_ms": 1_000})
    assert [message["Body"] for message in found] == ["m"]
    assert local("GET", "faults") == []


def test_a_delivery_survives_a_restart(sns, sqs, topic, subscribed, local, restart):
    queue, _ = subscribed(RawMessageDelivery="true")
    local("POST", "faults", {"service": "sqs", "operation": "SendMessage", "kind": "error"})
    sns.publish(TopicArn=topic, Message="m")
    restart()
    assert [message["Body"] for message in receive(sqs, queue)] == ["m"]
    sns.publish(TopicArn=topic, Message="after")
    time_limit = time.monotonic() + 10
    bodies = set()
    while "after" not in bodies and time.monotonic() < time_limit:
        bodies |= {message["Body"] for message in receive(sqs, queue)}
    assert bodies == {"m", "after"}


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(sns, sqs, topic, subscribed, unique):
    dead = sqs.create_queue(QueueName=f"{unique}-dlq")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}{unique}-dlq"})
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"{ARN}{unique}-gone",
        Attributes={"RedrivePolicy": policy, "RawMessageDelivery": "true"},
    )
    sns.publish(TopicArn=topic, Message="m")
    assert [message["Body"] for message in receive(sqs, dead)] == ["m"]
    sqs.delete_queue(QueueUrl=dead)


def test_a_subject_may_have_any_letters(sns, sqs, topic, subscribed):
    url, _ = subscribed()
    subject = "Olá, vídeo pronto — " + "ã" * 79
    sns.publish(TopicArn=topic, Subject=subject, Message="x")
    [message] = receive(sqs, url)
    assert json.loads(message["Body"])["Subject"] == subject
    for bad in ("two\nlines", "a" * 100):
        with pytest.raises(ClientError) as refusal:
            sns.publish(TopicArn=topic, Subject=bad, Message="x")
        assert error_code(refusal) == "InvalidParameter"


def test_a_subscription_is_ended_without_a_signature(sns, sqs, endpoint, topic, subscribed):
    _, arn = subscribed()
    form = urlencode({"Action": "Unsubscribe", "SubscriptionArn": arn}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, _ = send(f"{endpoint}/", "POST", form, headers)
    assert status == 200
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    queue, _ = subscribed("-other")
    sns.publish(TopicArn=topic, Message="m")
    (message,) = receive(sqs, queue)
    link = json.loads(message["Body"])["UnsubscribeURL"]
    assert send(link, "GET", b"", {})[0] == 200
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    form = urlencode({"Action": "DeleteTopic", "TopicArn": topic}).encode()
    assert send(f"{endpoint}/", "POST", form, headers)[0] == 403
