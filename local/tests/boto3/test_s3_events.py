"""S3: event notifications to SQS."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import error_code


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    return unique


@pytest.fixture
def queue(sqs, unique):
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, attributes["Attributes"]["QueueArn"]


def notify(s3, bucket, arn, events=("s3:ObjectCreated:*",), **filters):
    rules = [{"Name": name, "Value": value} for name, value in filters.items()]
    configuration = {"Id": "mine", "QueueArn": arn, "Events": list(events)}
    if rules:
        configuration["Filter"] = {"Key": {"FilterRules": rules}}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
    )


def drain(sqs, url, wait=1):
    bodies = []
    while True:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        messages = got.get("Messages", [])
        if not messages:
            return bodies
        for message in messages:
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def records(bodies):
    return [record for body in bodies for record in body.get("Records", [])]


def test_an_event_tells_of_each_object(s3, sqs, bucket, queue):
    url, arn = queue
    notify(s3, bucket, arn, ("s3:ObjectCreated:*", "s3:ObjectRemoved:*"))
    test = drain(sqs, url)
    assert [(m["Event"], m["Bucket"]) for m in test] == [("s3:TestEvent", bucket)]
    put = s3.put_object(Bucket=bucket, Key="uploads/a b+c=é.mp4", Body=b"12345")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/uploads/a b+c=é.mp4")
    s3.delete_object(Bucket=bucket, Key="copy")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"x")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    told = records(drain(sqs, url))
    by_name = {record["eventName"]: record for record in told}
    assert len(told) == 4
    assert set(by_name) == {
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectRemoved:Delete",
        "ObjectCreated:CompleteMultipartUpload",
    }
    record = by_name["ObjectCreated:Put"]
    assert record["s3"]["object"]["key"] == "uploads/a+b%2Bc%3D%C3%A9.mp4"
    assert record["s3"]["object"]["size"] == 5
    assert f'"{record["s3"]["object"]["eTag"]}"' == put["ETag"]
    assert record["s3"]["bucket"]["name"] == bucket
    assert record["s3"]["configurationId"] == "mine"
    assert (record["eventSource"], record["awsRegion"]) == ("aws:s3", "us-east-1")
    assert "size" not in by_name["ObjectRemoved:Delete"]["s3"]["object"]


def test_filters(s3, sqs, bucket, queue):
    url, arn = queue
    notify(s3, bucket, arn, prefix="uploads/", suffix=".mp4")
    drain(sqs, url)
    for key in ("uploads/a.mp4", "uploads/a.txt", "other/a.mp4"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    assert [r["s3"]["object"]["key"] for r in records(drain(sqs, url))] == ["uploads/a.mp4"]


def test_an_object_that_fails_tells_nothing(s3, sqs, bucket, queue):
    url, arn = queue
    notify(s3, bucket, arn)
    drain(sqs, url)
    with pytest.raises(ClientError):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert drain(sqs, url) == []


def test_rules_survive_a_restart(s3, sqs, bucket, queue, restart):
    url, arn = queue
    notify(s3, bucket, arn)
    s3.put_object(Bucket=bucket, Key="before", Body=b"")
    restart()
    s3.put_object(Bucket=bucket, Key="after", Body=b"")
    keys = [r["s3"]["object"]["key"] for r in records(drain(sqs, url))]
    assert sorted(keys) == ["after", "before"]
    kept = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert (kept[0]["QueueArn"], kept[0]["Events"]) == (arn, ["s3:ObjectCreated:*"])


def test_a_long_poll_wakes_for_an_event(s3, sqs, bucket, queue):
    import threading
    import time

    url, arn = queue
    notify(s3, bucket, arn)
    drain(sqs, url)
    threading.Timer(0.5, lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"")).start()
    started = time.monotonic()
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    assert "Messages" in got and time.monotonic() - started < 5


def test_bad_configurations_are_refused(s3, bucket, queue):
    _, arn = queue
    for configuration in (
        {"QueueArn": arn + "-none", "Events": ["s3:ObjectCreated:*"]},
        {"QueueArn": arn, "Events": ["s3:Nonsense"]},
    ):
        with pytest.raises(ClientError) as refused:
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
            )
        assert error_code(refused) == "InvalidArgument"
    both = [{"QueueArn": arn, "Events": [e]} for e in ("s3:ObjectCreated:*", "s3:ObjectCreated:Put")]
    with pytest.raises(ClientError) as overlap:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": both}
        )
    assert error_code(overlap) == "InvalidArgument"
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
