"""Queues to test with, and what is often asked of them."""

import json

import pytest


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
