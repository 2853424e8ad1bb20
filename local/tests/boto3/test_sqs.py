"""SQS: standard queues."""

import hashlib
import json
import struct
import threading
import time

import pytest
from botocore.exceptions import ClientError

from conftest import error_code

ARN = "arn:aws:sqs:us-east-1:000000000000:"


@pytest.fixture
def queue(sqs, unique):
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def redriven(sqs, unique):
    """A queue that gives up a message after two receipts, and its dead-letter queue."""
    dead = sqs.create_queue(QueueName=f"{unique}-dlq")["QueueUrl"]
    policy = {"deadLetterTargetArn": f"{ARN}{unique}-dlq", "maxReceiveCount": 2}
    attributes = {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "30"}
    url = sqs.create_queue(QueueName=unique, Attributes=attributes)["QueueUrl"]
    yield url, dead
    sqs.delete_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=dead)


def receive(sqs, queue, most=10, **options):
    reply = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=most, **options)
    return reply.get("Messages", [])


def release(sqs, queue, message):
    sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )


def counts(sqs, queue):
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    names = ["", "Delayed", "NotVisible"]
    return [int(attributes[f"ApproximateNumberOfMessages{name}"]) for name in names]


# Queues


def test_a_queue_is_made_found_and_removed(sqs, unique):
    url = sqs.create_queue(QueueName=unique, tags={"team": "video"})["QueueUrl"]
    assert url.endswith(f"/000000000000/{unique}")
    assert sqs.get_queue_url(QueueName=unique)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=unique)["QueueUrls"] == [url]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "video"}
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "dev"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "dev"}
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


def test_lists_come_in_pages(sqs, unique):
    urls = [sqs.create_queue(QueueName=f"{unique}-{n}")["QueueUrl"] for n in range(5)]
    found, token, pages = [], {}, 0
    while pages == 0 or token:
        reply = sqs.list_queues(QueueNamePrefix=unique, MaxResults=2, **token)
        found += reply["QueueUrls"]
        token = {"NextToken": reply["NextToken"]} if "NextToken" in reply else {}
        pages += 1
    assert (sorted(found), pages) == (urls, 3)
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


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


# Receiving


def test_a_long_poll_wakes_when_a_message_comes(sqs, client, queue):
    sender = threading.Timer(0.4, lambda: client("sqs").send_message(QueueUrl=queue, MessageBody="m"))
    sender.start()
    began = time.monotonic()
    (message,) = receive(sqs, queue, WaitTimeSeconds=20)
    assert message["Body"] == "m"
    assert 0.3 < time.monotonic() - began < 5
    sender.join()


def test_a_long_poll_wakes_when_a_message_becomes_visible(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m", DelaySeconds=1)
    began = time.monotonic()
    assert len(receive(sqs, queue, WaitTimeSeconds=20, VisibilityTimeout=1)) == 1
    assert len(receive(sqs, queue, WaitTimeSeconds=20)) == 1
    assert 1.5 < time.monotonic() - began < 8


def test_a_long_poll_ends_empty(sqs, queue):
    began = time.monotonic()
    assert receive(sqs, queue, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - began < 4


def test_a_long_poll_on_a_deleted_queue_says_so(sqs, client, unique):
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    killer = threading.Timer(0.3, lambda: client("sqs").delete_queue(QueueUrl=url))
    killer.start()
    with pytest.raises(ClientError) as refused:
        receive(sqs, url, WaitTimeSeconds=20)
    assert error_code(refused) == "AWS.SimpleQueueService.NonExistentQueue"
    killer.join()


def test_every_message_goes_to_one_of_many_consumers(sqs, client, queue):
    for start in range(0, 100, 10):
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(start, start + 10)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    seen, lock = [], threading.Lock()

    def consume():
        consumer = client("sqs")
        while messages := receive(consumer, queue, 7):
            for message in messages:
                consumer.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            with lock:
                seen.extend(int(message["Body"]) for message in messages)

    consumers = [threading.Thread(target=consume) for _ in range(6)]
    for consumer in consumers:
        consumer.start()
    for consumer in consumers:
        consumer.join()
    assert sorted(seen) == list(range(100))
    assert counts(sqs, queue) == [0, 0, 0]


def test_parameters_of_a_receipt_have_limits(sqs, queue):
    for options in [
        {"MaxNumberOfMessages": 0},
        {"MaxNumberOfMessages": 11},
        {"WaitTimeSeconds": 21},
        {"VisibilityTimeout": 43201},
    ]:
        with pytest.raises(ClientError) as refused:
            sqs.receive_message(QueueUrl=queue, **options)
        assert error_code(refused) == "InvalidParameterValue", options


# Visibility


def test_visibility_runs_out_and_the_receipt_is_counted(sqs, queue, local):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    for count in ["1", "2", "3"]:
        (message,) = receive(sqs, queue, VisibilityTimeout=30, AttributeNames=["All"])
        assert message["Attributes"]["ApproximateReceiveCount"] == count
        assert receive(sqs, queue) == []
        assert counts(sqs, queue) == [0, 0, 1]
        local("POST", "clock", {"advance_ms": 30_000})
    assert counts(sqs, queue) == [1, 0, 0]


def test_visibility_can_be_prolonged_and_ended(sqs, queue, local):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    (message,) = receive(sqs, queue, VisibilityTimeout=10)
    handle = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(**handle, VisibilityTimeout=100)
    local("POST", "clock", {"advance_ms": 50_000})
    assert receive(sqs, queue) == []
    sqs.change_message_visibility(**handle, VisibilityTimeout=0)
    assert len(receive(sqs, queue)) == 1
    with pytest.raises(ClientError) as refused:
        sqs.change_message_visibility(**handle, VisibilityTimeout=43201)
    assert error_code(refused) == "InvalidParameterValue"


def test_visibility_changes_in_batch(sqs, queue):
    for n in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=str(n))
    messages = receive(sqs, queue)
    entries = [
        {"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0}
        for m in messages
    ]
    entries[0]["ReceiptHandle"] = "no"
    reply = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
    assert len(reply["Successful"]) == 2
    assert [failed["Code"] for failed in reply["Failed"]] == ["ReceiptHandleIsInvalid"]
    assert len(receive(sqs, queue)) == 2


def test_a_message_is_held_for_twelve_hours_at_most(sqs, queue, local):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    (message,) = receive(sqs, queue, VisibilityTimeout=43200)
    handle = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
    local("POST", "clock", {"advance_ms": 3_600_000})
    sqs.change_message_visibility(**handle, VisibilityTimeout=39_000)
    with pytest.raises(ClientError) as refused:
        sqs.change_message_visibility(**handle, VisibilityTimeout=43_200)
    assert error_code(refused) == "InvalidParameterValue"


def test_an_old_handle_neither_deletes_nor_prolongs(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    (first,) = receive(sqs, queue, VisibilityTimeout=0)
    (second,) = receive(sqs, queue, VisibilityTimeout=30)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])
    assert counts(sqs, queue) == [0, 0, 1]
    with pytest.raises(ClientError) as refused:
        release(sqs, queue, first)
    assert error_code(refused) == "InvalidParameterValue"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=second["ReceiptHandle"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=second["ReceiptHandle"])
    assert counts(sqs, queue) == [0, 0, 0]


def test_a_message_that_is_back_is_not_in_flight(sqs, queue, local):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    (message,) = receive(sqs, queue, VisibilityTimeout=5)
    local("POST", "clock", {"advance_ms": 6_000})
    with pytest.raises(ClientError) as refused:
        release(sqs, queue, message)
    assert error_code(refused) == "AWS.SimpleQueueService.MessageNotInflight"
    # Nobody else has received it since, so its consumer may still say that it is done.
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, queue) == [0, 0, 0]


def test_a_handle_fits_only_its_own_queue(sqs, queue, unique):
    other = sqs.create_queue(QueueName=f"{unique}-other")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    (message,) = receive(sqs, queue)
    for handle in [message["ReceiptHandle"], "AAAA", "not base64 at all!"]:
        with pytest.raises(ClientError) as refused:
            sqs.delete_message(QueueUrl=other, ReceiptHandle=handle)
        assert error_code(refused) == "ReceiptHandleIsInvalid"
    sqs.delete_queue(QueueUrl=other)


# Retention, redrive, moves, purge


def test_messages_expire(sqs, queue, local):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MessageRetentionPeriod": "60"})
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    local("POST", "clock", {"advance_ms": 59_000})
    (message,) = receive(sqs, queue, VisibilityTimeout=0)
    local("POST", "clock", {"advance_ms": 2_000})
    assert counts(sqs, queue) == [0, 0, 0]
    assert receive(sqs, queue) == []


def test_redrive_after_exactly_the_maximum(sqs, redriven):
    queue, dead = redriven
    sent = sqs.send_message(QueueUrl=queue, MessageBody="poison")
    for _ in range(2):
        (message,) = receive(sqs, queue, AttributeNames=["All"])
        assert receive(sqs, dead) == []
        release(sqs, queue, message)
    assert counts(sqs, queue) == [1, 0, 0]
    assert receive(sqs, queue) == []
    (buried,) = receive(sqs, dead, AttributeNames=["All"])
    assert buried["MessageId"] == sent["MessageId"]
    assert buried["Attributes"]["SentTimestamp"] == message["Attributes"]["SentTimestamp"]
    assert buried["Attributes"]["DeadLetterQueueSourceArn"] == ARN + queue.rsplit("/", 1)[1]
    sources = sqs.list_dead_letter_source_queues(QueueUrl=dead)
    assert sources["queueUrls"] == [queue]


def test_redrive_wakes_whoever_waits_at_the_dead_letter_queue(sqs, client, redriven):
    queue, dead = redriven
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    for _ in range(2):
        (message,) = receive(sqs, queue, VisibilityTimeout=0)
    mover = threading.Timer(0.3, lambda: receive(client("sqs"), queue))
    mover.start()
    began = time.monotonic()
    assert len(receive(sqs, dead, WaitTimeSeconds=20)) == 1
    assert time.monotonic() - began < 5
    mover.join()


def test_healthy_messages_pass_those_that_are_redriven(sqs, redriven):
    queue, dead = redriven
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    for _ in range(2):
        receive(sqs, queue, VisibilityTimeout=0)
    sqs.send_message(QueueUrl=queue, MessageBody="fine")
    assert [m["Body"] for m in receive(sqs, queue, 1)] == ["fine"]
    assert [m["Body"] for m in receive(sqs, dead)] == ["poison"]


def test_a_redrive_policy_needs_its_queue_and_its_leave(sqs, queue, unique):
    def set_policy(target, maximum=3):
        policy = {"deadLetterTargetArn": target, "maxReceiveCount": maximum}
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy)})

    with pytest.raises(ClientError) as refused:
        set_policy(f"{ARN}{unique}-none")
    assert error_code(refused) == "InvalidParameterValue"
    dead = sqs.create_queue(
        QueueName=f"{unique}-dlq",
        Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})},
    )["QueueUrl"]
    with pytest.raises(ClientError) as refused:
        set_policy(f"{ARN}{unique}-dlq")
    assert error_code(refused) == "InvalidParameterValue"
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": ""})
    with pytest.raises(ClientError) as refused:
        set_policy(f"{ARN}{unique}-dlq", 0)
    assert error_code(refused) == "InvalidAttributeValue"
    set_policy(f"{ARN}{unique}-dlq", "5")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": ""})
    sqs.delete_queue(QueueUrl=dead)


def bury(sqs, queue, bodies):
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    for _ in range(3):
        receive(sqs, queue, VisibilityTimeout=0)


def wait_for_task(sqs, arn, status="COMPLETED"):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        (task,) = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
        if task["Status"] == status:
            return task
        time.sleep(0.02)
    pytest.fail(f"the task stays {task['Status']}")


def test_buried_messages_go_back_to_their_source(sqs, redriven):
    queue, dead = redriven
    bury(sqs, queue, ["a", "b", "c"])
    assert counts(sqs, dead) == [3, 0, 0]
    arn = ARN + dead.rsplit("/", 1)[1]
    assert sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    task = wait_for_task(sqs, arn)
    assert task["ApproximateNumberOfMessagesMoved"] == 3
    assert task["ApproximateNumberOfMessagesToMove"] == 3
    messages = receive(sqs, queue, AttributeNames=["All"])
    assert sorted(m["Body"] for m in messages) == ["a", "b", "c"]
    assert {m["Attributes"]["ApproximateReceiveCount"] for m in messages} == {"1"}
    assert counts(sqs, dead) == [0, 0, 0]


def test_a_move_can_be_slow_cancelled_and_go_elsewhere(sqs, redriven, unique):
    queue, dead = redriven
    bury(sqs, queue, [str(n) for n in range(5)])
    other = sqs.create_queue(QueueName=f"{unique}-other")["QueueUrl"]
    arn = ARN + dead.rsplit("/", 1)[1]
    handle = sqs.start_message_move_task(
        SourceArn=arn, DestinationArn=f"{ARN}{unique}-other", MaxNumberOfMessagesPerSecond=1
    )["TaskHandle"]
    with pytest.raises(ClientError) as refused:
        sqs.start_message_move_task(SourceArn=arn)
    assert error_code(refused) == "AWS.SimpleQueueService.UnsupportedOperation"
    assert len(receive(sqs, other, WaitTimeSeconds=10)) == 1
    moved = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    assert moved < 5
    assert wait_for_task(sqs, arn, "CANCELLED")["DestinationArn"] == f"{ARN}{unique}-other"
    with pytest.raises(ClientError) as refused:
        sqs.cancel_message_move_task(TaskHandle=handle)
    assert error_code(refused) == "ResourceNotFoundException"
    sqs.delete_queue(QueueUrl=other)


def test_only_a_dead_letter_queue_can_be_moved_from(sqs, queue, unique):
    with pytest.raises(ClientError) as refused:
        sqs.start_message_move_task(SourceArn=ARN + queue.rsplit("/", 1)[1])
    assert error_code(refused) == "InvalidParameterValue"
    with pytest.raises(ClientError) as refused:
        sqs.start_message_move_task(SourceArn=f"{ARN}{unique}-none")
    assert error_code(refused) == "ResourceNotFoundException"


def test_a_purge_empties_and_may_come_once_a_minute(sqs, queue, local):
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    sqs.send_message(QueueUrl=queue, MessageBody="b")
    receive(sqs, queue, 1)
    sqs.purge_queue(QueueUrl=queue)
    assert counts(sqs, queue) == [0, 0, 0]
    with pytest.raises(ClientError) as refused:
        sqs.purge_queue(QueueUrl=queue)
    assert error_code(refused) == "AWS.SimpleQueueService.PurgeQueueInProgress"
    local("POST", "clock", {"advance_ms": 60_000})
    sqs.purge_queue(QueueUrl=queue)


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
