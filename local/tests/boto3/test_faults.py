"""The fault layer and the clock: trouble on purpose, for the tests of others."""

import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from conftest import error_code, status
from queues import counts, receive


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    return unique


def test_an_error_hits_as_often_as_asked(sqs, s3, local):
    local("POST", "faults", {"service": "sqs", "operation": "ListQueues", "kind": "error", "count": 2})
    for _ in range(2):
        with pytest.raises(ClientError) as failed:
            sqs.list_queues()
        assert status(failed) == 500
    sqs.list_queues()
    s3.list_buckets()
    assert local("GET", "faults") == []


@pytest.mark.parametrize("kind", ["throttle", "access_denied"])
def test_each_service_refuses_in_its_own_words(sqs, sns, dynamodb, s3, cognito, local, kind):
    local("POST", "faults", {"kind": kind})
    for call, throttled, denied in (
        (sqs.list_queues, "ThrottlingException", "AccessDenied"),
        (sns.list_topics, "ThrottlingException", "AuthorizationError"),
        (dynamodb.list_tables, "ThrottlingException", "AccessDeniedException"),
        (lambda: cognito.list_user_pools(MaxResults=1), "TooManyRequestsException", "AccessDeniedException"),
        (s3.list_buckets, "SlowDown", "AccessDenied"),
    ):
        with pytest.raises(ClientError) as failed:
            call()
        assert error_code(failed) == (throttled if kind == "throttle" else denied)


def test_sdks_retry_what_is_throttled(client, local):
    local("POST", "faults", {"service": "s3", "kind": "throttle", "count": 1})
    answer = client("s3", retries=3).list_buckets()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_delay_delays(s3, local):
    local("POST", "faults", {"service": "s3", "kind": "delay", "delay_ms": 300, "count": 1})
    started = time.monotonic()
    s3.list_buckets()
    assert time.monotonic() - started >= 0.3


def test_a_cut_comes_before_or_after_the_work(s3, sqs, bucket, unique, local):
    local("POST", "faults", {"service": "s3", "operation": "PutObject", "kind": "cut", "count": 1})
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket=bucket, Key="before", Body=b"x")
    local("POST", "faults", {"service": "s3", "operation": "PutObject", "kind": "cut_after", "count": 1})
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket=bucket, Key="after", Body=b"x")
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["after"]
    local("POST", "faults", {"service": "sqs", "operation": "CreateQueue", "kind": "cut_after", "count": 1})
    with pytest.raises(ConnectionClosedError):
        sqs.create_queue(QueueName=unique)
    assert sqs.get_queue_url(QueueName=unique)["QueueUrl"]


def test_an_answer_comes_late_after_the_work(sqs, queue, endpoint, local):
    fault = {"service": "sqs", "operation": "SendMessage", "kind": "delay_after", "delay_ms": 1500, "count": 1}
    local("POST", "faults", fault)
    began = time.monotonic()
    sender = threading.Thread(target=sqs.send_message, kwargs={"QueueUrl": queue, "MessageBody": "m"})
    sender.start()
    assert [m["Body"] for m in receive(sqs, queue, WaitTimeSeconds=5)] == ["m"]
    assert time.monotonic() - began < 1.5, "the message is there before its sender knows"
    sender.join()
    assert time.monotonic() - began >= 1.5


@pytest.mark.parametrize("service", ["s3", "dynamodb", "sns"])
def test_what_hangs_never_answers(client, local, service):
    ask = {"s3": "list_buckets", "dynamodb": "list_tables", "sns": "list_topics"}[service]
    hour = 3_600_000
    local("POST", "faults", {"service": service, "kind": "hang", "lasts_ms": hour})
    config = Config(read_timeout=0.5, retries={"total_max_attempts": 1})
    with pytest.raises(ReadTimeoutError):
        getattr(client(service, config=config), ask)()
    ended = []

    def wait():
        try:
            getattr(client(service), ask)()
        except ConnectionClosedError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    local("POST", "clock", {"advance_ms": hour})
    waiting.join(10)
    assert ended, "what hung was cut when its time was over"
    getattr(client(service), ask)()


def test_a_fault_lasts_for_a_span_of_the_clock(s3, local):
    local("POST", "faults", {"service": "s3", "kind": "error", "lasts_ms": 60_000})
    with pytest.raises(ClientError):
        s3.list_buckets()
    local("POST", "clock", {"advance_ms": 59_000})
    with pytest.raises(ClientError):
        s3.list_buckets()
    local("POST", "clock", {"advance_ms": 1_000})
    s3.list_buckets()
    assert local("GET", "faults") == []


def poll_and_leave(endpoint, queue):
    """Begins a long poll and goes away."""
    body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20}).encode()
    headers = {"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Content-Type": "application/x-amz-json-1.0"}
    request = AWSRequest(method="POST", url=endpoint + "/", data=body, headers=headers)
    SigV4Auth(Credentials("test", "test"), "sqs", "us-east-1").add_auth(request)
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("POST", "/", body, dict(request.headers.items()))
    time.sleep(0.3)
    connection.close()
    time.sleep(0.3)


def test_a_poll_whose_client_left_takes_nothing_unless_it_ignores_that(sqs, queue, endpoint, local):
    poll_and_leave(endpoint, queue)
    sqs.send_message(QueueUrl=queue, MessageBody="kept")
    (message,) = receive(sqs, queue, WaitTimeSeconds=5)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    fault = {"service": "sqs", "operation": "ReceiveMessage", "kind": "ignore_disconnect", "count": 1}
    local("POST", "faults", fault)
    poll_and_leave(endpoint, queue)
    sqs.send_message(QueueUrl=queue, MessageBody="taken")
    assert receive(sqs, queue, WaitTimeSeconds=1) == []
    assert counts(sqs, queue) == [0, 0, 1], "hidden, and nobody has it"
    local("POST", "clock", {"advance_ms": 31_000})
    (message,) = receive(sqs, queue, AttributeNames=["All"])
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_malformed_fault_is_refused(local):
    import urllib.error

    for body in ({"kind": "nonsense"}, {"kind": "error", "servise": "s3"}, {"kind": "error", "service": "ec2"}, []):
        with pytest.raises(urllib.error.HTTPError) as refused:
            local("POST", "faults", body)
        assert refused.value.code == 400


def test_the_clock_moves_and_returns(local):
    before = local("GET", "clock")
    moved = local("POST", "clock", {"advance_ms": 3_600_000})
    assert moved["offset_ms"] - before["offset_ms"] == 3_600_000
    assert local("DELETE", "clock")["offset_ms"] == 0
