"""Topics and their queues to test with."""

import pytest


ARN = "arn:aws:sqs:us-east-1:000000000000:"


@pytest.fixture
def topic(sns, unique):
    arn = sns.create_topic(Name=unique)["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


@pytest.fixture
def subscribed(sns, sqs, topic, unique):
    """Makes a queue that is subscribed to the topic; gives its address and the subscription."""
    made = []

    def make(suffix="", **attributes):
        name = f"{unique}{suffix}"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        made.append(url)
        arn = sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=ARN + name, Attributes=attributes
        )["SubscriptionArn"]
        return url, arn

    yield make
    for url in made:
        sqs.delete_queue(QueueUrl=url)


def text(value):
    return {"DataType": "String", "StringValue": value}


def receive(sqs, queue, **options):
    reply = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5, VisibilityTimeout=0,
        MessageAttributeNames=["All"], **options,
    )
    return reply.get("Messages", [])
