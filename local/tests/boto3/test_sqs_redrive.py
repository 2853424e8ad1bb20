"""SQS: what becomes of messages that nobody deletes."""

import json
import threading
import time

import pytest
from botocore.exceptions import ClientError

from conftest import error_code
from queues import ARN, counts, receive, release


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
    (dead_lettered,) = receive(sqs, dead, AttributeNames=["All"])
    assert dead_lettered["MessageId"] == sent["MessageId"]
    assert dead_lettered["Attributes"]["SentTimestamp"] == message["Attributes"]["SentTimestamp"]
    assert dead_lettered["Attributes"]["DeadLetterQueueSourceArn"] == ARN + queue.rsplit("/", 1)[1]


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


def test_a_redrive_policy_needs_its_queue(sqs, queue, unique):
    def set_policy(target, maximum=3):
        policy = {"deadLetterTargetArn": target, "maxReceiveCount": maximum}
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy)})

    with pytest.raises(ClientError) as refused:
        set_policy(f"{ARN}{unique}-none")
    assert error_code(refused) == "InvalidParameterValue"
    dead = sqs.create_queue(QueueName=f"{unique}-dlq")["QueueUrl"]
    with pytest.raises(ClientError) as refused:
        set_policy(f"{ARN}{unique}-dlq", 0)
    assert error_code(refused) == "InvalidAttributeValue"
    set_policy(f"{ARN}{unique}-dlq", "5")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": ""})
    sqs.delete_queue(QueueUrl=dead)


def dead_letter(sqs, queue, bodies):
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


def test_dead_lettered_messages_go_back_to_their_source(sqs, redriven):
    queue, dead = redriven
    dead_letter(sqs, queue, ["a", "b", "c"])
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


def test_a_move_can_be_slow_and_go_elsewhere(sqs, redriven, unique):
    queue, dead = redriven
    dead_letter(sqs, queue, [str(n) for n in range(5)])
    other = sqs.create_queue(QueueName=f"{unique}-other")["QueueUrl"]
    arn = ARN + dead.rsplit("/", 1)[1]
    sqs.start_message_move_task(
        SourceArn=arn, DestinationArn=f"{ARN}{unique}-other", MaxNumberOfMessagesPerSecond=1
    )
    with pytest.raises(ClientError) as refused:
        sqs.start_message_move_task(SourceArn=arn)
    assert error_code(refused) == "AWS.SimpleQueueService.UnsupportedOperation"
    assert len(receive(sqs, other, WaitTimeSeconds=10)) == 1
    (task,) = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert (task["Status"], task["DestinationArn"]) == ("RUNNING", f"{ARN}{unique}-other")
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
