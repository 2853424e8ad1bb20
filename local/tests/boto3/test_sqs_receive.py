"""SQS: receiving, waiting and visibility."""

import base64
import threading
import time

import pytest
from botocore.exceptions import ClientError

from conftest import error_code
from queues import counts, receive, release


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
