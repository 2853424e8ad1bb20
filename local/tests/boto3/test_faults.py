"""The fault layer and the clock: trouble on purpose, for the tests of others."""

import time

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from conftest import error_code, status


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


def test_throttling_has_each_services_own_word(sqs, sns, dynamodb, s3, local):
    local("POST", "faults", {"kind": "throttle"})
    for call, code in (
        (sqs.list_queues, "ThrottlingException"),
        (sns.list_topics, "ThrottlingException"),
        (dynamodb.list_tables, "ThrottlingException"),
        (s3.list_buckets, "SlowDown"),
    ):
        with pytest.raises(ClientError) as failed:
            call()
        assert error_code(failed) == code


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


def test_a_malformed_fault_is_refused(local):
    import urllib.error

    for body in ({"kind": "nonsense"}, {"kind": "error", "servise": "s3"}, []):
        with pytest.raises(urllib.error.HTTPError) as refused:
            local("POST", "faults", body)
        assert refused.value.code == 400


def test_the_clock_moves_and_returns(local):
    before = local("GET", "clock")
    moved = local("POST", "clock", {"advance_ms": 3_600_000})
    assert moved["offset_ms"] - before["offset_ms"] == 3_600_000
    assert local("DELETE", "clock")["offset_ms"] == 0
