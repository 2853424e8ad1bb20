"""SQS: queues and sending."""

import hashlib
import struct

import pytest
from botocore.exceptions import ClientError

from conftest import error_code
from queues import ARN, counts, receive


# Queues


def test_a_queue_is_made_found_and_removed(sqs, unique):
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    assert url.endswith(f"/000000000000/{unique}")
    assert sqs.get_queue_url(QueueName=unique)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=unique)["QueueUrls"] == [url]
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(ClientError) as refused:
        sqs.get_queue_url(QueueName=unique)
    assert error_code(refused) == "AWS.SimpleQueueService.NonExistentQueue"


def test_making_a_queue_again_depends_on_its_attributes(sqs, unique):
    url = sqs.create_queue(QueueName=unique, Attributes={"DelaySeconds": "5"})["QueueUrl"]
    assert sqs.create_queue(QueueName=unique)["QueueUrl"] == url
    assert sqs.create_queue(QueueName=unique, Attributes={"DelaySeconds": "5"})["QueueUrl"] == url
    with pytest.raises(ClientError) as refused:
        sqs.create_queue(QueueName=unique, Attributes={"DelaySeconds": "6"})
    assert error_code(refused) == "QueueAlreadyExists"
    sqs.delete_queue(QueueUrl=url)


def test_attributes_have_defaults_and_limits(sqs, queue):
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "30"
    assert attributes["MessageRetentionPeriod"] == "345600"
    assert attributes["QueueArn"] == ARN + queue.rsplit("/", 1)[1]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7"})
    some = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])
    assert some["Attributes"] == {"VisibilityTimeout": "7"}
    for name, value in [("VisibilityTimeout", "43201"), ("DelaySeconds", "-1"), ("Policy", "{")]:
        with pytest.raises(ClientError) as refused:
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: value})
        assert error_code(refused) == "InvalidAttributeValue", name
    with pytest.raises(ClientError) as refused:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Colour": "blue"})
    assert error_code(refused) == "InvalidAttributeName"


def test_names_are_checked_and_fifo_is_refused(sqs, server, unique):
    for name in ["with space", "x" * 81, ""]:
        with pytest.raises(ClientError) as refused:
            sqs.create_queue(QueueName=name)
        assert error_code(refused) == "InvalidParameterValue", name
    if server:
        for attributes in [{}, {"FifoQueue": "true"}]:
            with pytest.raises(ClientError) as refused:
                sqs.create_queue(QueueName=f"{unique}.fifo", Attributes=attributes)
            assert error_code(refused) == "AWS.SimpleQueueService.UnsupportedOperation"


def test_what_is_not_served_is_refused_by_name(sqs, server, queue, unique):
    if server is None:
        pytest.skip("others may serve it")
    allow = {"RedriveAllowPolicy": '{"redrivePermission": "denyAll"}'}
    for name, call in [
        ("Tags", lambda: sqs.create_queue(QueueName=f"{unique}-2", tags={"team": "video"})),
        ("pages", lambda: sqs.list_queues(MaxResults=2)),
        ("RedriveAllowPolicy", lambda: sqs.set_queue_attributes(QueueUrl=queue, Attributes=allow)),
        ("MessageGroupId", lambda: sqs.send_message(QueueUrl=queue, MessageBody="m", MessageGroupId="g")),
    ]:
        with pytest.raises(ClientError, match=name) as refused:
            call()
        assert error_code(refused) == "AWS.SimpleQueueService.UnsupportedOperation"
    for name, call in [
        ("TagQueue", lambda: sqs.tag_queue(QueueUrl=queue, Tags={"a": "b"})),
        ("ListDeadLetterSourceQueues", lambda: sqs.list_dead_letter_source_queues(QueueUrl=queue)),
        ("CancelMessageMoveTask", lambda: sqs.cancel_message_move_task(TaskHandle="h")),
    ]:
        with pytest.raises(ClientError, match=name) as refused:
            call()
        assert error_code(refused) == "UnknownOperationException"


# Sending


def test_a_message_keeps_its_body_and_attributes(sqs, queue):
    attributes = {
        "text": {"DataType": "String", "StringValue": "olá"},
        "label.x": {"DataType": "Number.int", "StringValue": "42"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    body = "çã🎞 <&> \t\n"
    sent = sqs.send_message(
        QueueUrl=queue, MessageBody=body, MessageAttributes=attributes, MessageSystemAttributes=trace
    )
    # botocore checks MD5OfMessageBody itself; the digest of the attributes must be the same on both sides.
    (message,) = receive(sqs, queue, AttributeNames=["All"], MessageAttributeNames=["All"])
    assert message["Body"] == body
    assert message["MessageId"] == sent["MessageId"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    system = message["Attributes"]
    assert system["ApproximateReceiveCount"] == "1"
    assert system["AWSTraceHeader"] == trace["AWSTraceHeader"]["StringValue"]
    assert int(system["SentTimestamp"]) <= int(system["ApproximateFirstReceiveTimestamp"])


def test_the_digest_of_attributes_is_that_of_the_developer_guide(sqs, queue):
    def part(data):
        return struct.pack(">I", len(data)) + data

    attributes = {
        "b": {"DataType": "Binary", "BinaryValue": b"\x01\x02"},
        "a": {"DataType": "String", "StringValue": "x"},
    }
    wanted = hashlib.md5(
        part(b"a") + part(b"String") + b"\x01" + part(b"x")
        + part(b"b") + part(b"Binary") + b"\x02" + part(b"\x01\x02")
    ).hexdigest()
    sent = sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == wanted


def test_only_the_attributes_asked_for_are_told(sqs, queue):
    attributes = {name: {"DataType": "String", "StringValue": name} for name in ["a.x", "a.y", "b"]}
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes=attributes)
    (message,) = receive(sqs, queue, VisibilityTimeout=0)
    assert "MessageAttributes" not in message and "Attributes" not in message
    (message,) = receive(sqs, queue, VisibilityTimeout=0, MessageAttributeNames=["a.*"])
    assert sorted(message["MessageAttributes"]) == ["a.x", "a.y"]
    (message,) = receive(
        sqs, queue, MessageAttributeNames=["b"], MessageSystemAttributeNames=["SentTimestamp"]
    )
    assert list(message["MessageAttributes"]) == ["b"]
    assert list(message["Attributes"]) == ["SentTimestamp"]


def test_what_aws_refuses_to_take_is_refused(sqs, queue):
    def send(code, body="m", **options):
        with pytest.raises(ClientError) as refused:
            sqs.send_message(QueueUrl=queue, MessageBody=body, **options)
        assert error_code(refused) == code

    def attribute(name="a", **value):
        return {"MessageAttributes": {name: value}}

    send("InvalidMessageContents", "a\x00b")
    send("InvalidParameterValue", "x" * (1024 * 1024 + 1))
    send("InvalidParameterValue", **attribute(DataType="String", StringValue=""))
    send("InvalidParameterValue", **attribute(DataType="Number", StringValue="four"))
    send("InvalidParameterValue", **attribute(DataType="Date", StringValue="x"))
    send("InvalidParameterValue", **attribute("AWS.x", DataType="String", StringValue="x"))
    send("InvalidParameterValue", **attribute("a..b", DataType="String", StringValue="x"))
    send("InvalidParameterValue", DelaySeconds=901)
    many = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(11)}
    send("InvalidParameterValue", MessageAttributes=many)
    assert receive(sqs, queue) == []


def test_a_queue_may_take_only_small_messages(sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MaximumMessageSize": "1024"})
    attribute = {"DataType": "String", "StringValue": "y" * 100}
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1024)
    with pytest.raises(ClientError) as refused:
        sqs.send_message(QueueUrl=queue, MessageBody="x" * 1000, MessageAttributes={"a": attribute})
    assert error_code(refused) == "InvalidParameterValue"


def test_a_batch_succeeds_and_fails_by_entry(sqs, queue):
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(9)]
    entries.append({"Id": "bad", "MessageBody": "\x01"})
    reply = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [done["Id"] for done in reply["Successful"]] == [str(n) for n in range(9)]
    (failed,) = reply["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "InvalidMessageContents", True)
    messages = receive(sqs, queue)
    assert sorted(message["Body"] for message in messages) == [f"m{n}" for n in range(9)]
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
    handles.append({"Id": "bad", "ReceiptHandle": "no"})
    reply = sqs.delete_message_batch(QueueUrl=queue, Entries=handles)
    assert len(reply["Successful"]) == 9
    assert reply["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert counts(sqs, queue) == [0, 0, 0]


def test_a_batch_is_refused_as_a_whole(sqs, queue):
    def send(code, entries):
        with pytest.raises(ClientError) as refused:
            sqs.send_message_batch(QueueUrl=queue, Entries=entries)
        assert error_code(refused) == f"AWS.SimpleQueueService.{code}"

    send("EmptyBatchRequest", [])
    send("TooManyEntriesInBatchRequest", [{"Id": str(n), "MessageBody": "m"} for n in range(11)])
    send("BatchEntryIdsNotDistinct", [{"Id": "a", "MessageBody": "m"}] * 2)
    send("InvalidBatchEntryId", [{"Id": "a b", "MessageBody": "m"}])
    half = "x" * (600 * 1024)
    send("BatchRequestTooLong", [{"Id": i, "MessageBody": half} for i in "ab"])
    assert counts(sqs, queue) == [0, 0, 0]


def test_a_delay_hides_a_message(sqs, queue, local):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=60)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "90"})
    sqs.send_message(QueueUrl=queue, MessageBody="last")
    sqs.send_message(QueueUrl=queue, MessageBody="now", DelaySeconds=0)
    assert counts(sqs, queue) == [1, 2, 0]
    assert [m["Body"] for m in receive(sqs, queue, VisibilityTimeout=900)] == ["now"]
    local("POST", "clock", {"advance_ms": 61_000})
    assert [m["Body"] for m in receive(sqs, queue, VisibilityTimeout=900)] == ["later"]
    local("POST", "clock", {"advance_ms": 30_000})
    assert [m["Body"] for m in receive(sqs, queue)] == ["last"]


# The rest


def test_a_restart_keeps_messages_counts_and_visibility(sqs, redriven, restart, local):
    queue, dead = redriven
    sqs.send_message(QueueUrl=queue, MessageBody="held")
    (held,) = receive(sqs, queue, VisibilityTimeout=600)
    sqs.send_message(QueueUrl=queue, MessageBody="free")
    sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=900)
    restart()
    assert counts(sqs, queue) == [1, 1, 1]
    assert [m["Body"] for m in receive(sqs, queue)] == ["free"]
    sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=held["ReceiptHandle"], VisibilityTimeout=0
    )
    (again,) = receive(sqs, queue, AttributeNames=["All"])
    assert (again["Body"], again["Attributes"]["ApproximateReceiveCount"]) == ("held", "2")
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])
    assert "maxReceiveCount" in attributes["Attributes"]["RedrivePolicy"]


def test_what_is_not_served_is_refused_by_name(sqs, server, queue):
    if server is None:
        pytest.skip("others may serve it")
    with pytest.raises(ClientError) as refused:
        sqs.add_permission(QueueUrl=queue, Label="l", AWSAccountIds=["1"], Actions=["*"])
    assert "AddPermission" in str(refused.value)


def test_a_wrong_signature_is_refused(client, queue):
    for overrides in [{"aws_secret_access_key": "wrong"}, {"aws_access_key_id": "unknown"}]:
        with pytest.raises(ClientError) as refused:
            client("sqs", **overrides).send_message(QueueUrl=queue, MessageBody="m")
        assert error_code(refused) in {
            "InvalidSignatureException", "SignatureDoesNotMatch",
            "UnrecognizedClientException", "InvalidClientTokenId",
        }


def test_faults_are_retried_by_the_sdk(client, queue, local):
    local("POST", "faults", {"service": "sqs", "operation": "SendMessage", "kind": "error", "count": 2})
    client("sqs", retries=5).send_message(QueueUrl=queue, MessageBody="m")
    assert counts(client("sqs"), queue) == [1, 0, 0]
