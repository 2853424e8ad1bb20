"""The load under which crash.py kills the local AWS, and the ledger of what was acknowledged."""

import hashlib
import threading

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BUCKET, TABLE = "crash", "crash"
MIB = 1 << 20


def clients(url):
    """New connections: those of the last life are dead."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=10, max_pool_connections=16)
    settings = {
        "endpoint_url": url,
        "region_name": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "config": config,
    }
    return {name: boto3.client(name, **settings) for name in ("s3", "sqs", "dynamodb")}


class Ledger:
    """What was acknowledged, and what was asked for without an answer."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.maybe_sent = set(), set()
        self.deleted, self.maybe_deleted = set(), set()
        # key -> the digests that may be found there; None stands for "no object".
        self.objects = {}
        self.puts = 0
        self.items = {}
        self.counter, self.maybe_counter = 0, 0

    def attempt(self, before, call, after):
        """Notes the intent, asks, notes the answer; False when the server was gone."""
        with self.lock:
            before()
        try:
            answer = call()
        except (BotoCoreError, ClientError, OSError) as error:
            if isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise
            return False
        with self.lock:
            after(answer)
        return True


def send_messages(aws, ledger, queue, chance, stop):
    while not stop.is_set():
        body = f"{chance.getrandbits(64):016x}" + "x" * chance.randrange(2000)
        sent = ledger.attempt(
            lambda: ledger.maybe_sent.add(body),
            lambda: aws["sqs"].send_message(QueueUrl=queue, MessageBody=body),
            lambda _: ledger.sent.add(body),
        )
        if not sent:
            return


def receive_messages(aws, ledger, queue, _chance, stop):
    while not stop.is_set():
        try:
            got = aws["sqs"].receive_message(
                QueueUrl=queue, MaxNumberOfMessages=5, VisibilityTimeout=1, WaitTimeSeconds=1
            )
        except (BotoCoreError, ClientError, OSError):
            return
        for message in got.get("Messages", [])[::2]:
            body, receipt = message["Body"], message["ReceiptHandle"]
            done = ledger.attempt(
                lambda: ledger.maybe_deleted.add(body),
                lambda: aws["sqs"].delete_message(QueueUrl=queue, ReceiptHandle=receipt),
                lambda _: ledger.deleted.add(body),
            )
            if not done:
                return


def digest(body):
    return hashlib.md5(body).hexdigest()


def write_objects(aws, ledger, name, chance, stop):
    """Each writer has keys of its own, so that the ledger knows their order."""
    s3 = aws["s3"]
    while not stop.is_set():
        key = f"{name}/{chance.randrange(8)}"
        was = ledger.objects.get(key, {None})
        kind = chance.random()
        body = chance.randbytes(chance.choice([0, 10, 5000, 400_000, 1_200_000]))
        if kind < 0.2:
            will, call = {None}, lambda: s3.delete_object(Bucket=BUCKET, Key=key)
        elif kind < 0.9:
            will, call = {digest(body)}, lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        else:
            body += chance.randbytes(5 * MIB)
            will, call = {digest(body)}, lambda: multipart(s3, key, body)

        def begin():
            ledger.objects[key] = was | will

        def end(_):
            ledger.objects[key] = will
            ledger.puts += will != {None}

        if not ledger.attempt(begin, call, end):
            return


def multipart(s3, key, body):
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    address = {"Bucket": BUCKET, "Key": key, "UploadId": upload}
    parts = []
    for number, part in enumerate((body[: 5 * MIB], body[5 * MIB :]), 1):
        etag = s3.upload_part(**address, PartNumber=number, Body=part)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    return s3.complete_multipart_upload(**address, MultipartUpload={"Parts": parts})


def write_items(aws, ledger, name, chance, stop):
    dynamodb = aws["dynamodb"]
    while not stop.is_set():
        key, value = f"{name}-{chance.randrange(20)}", str(chance.getrandbits(64))
        was = ledger.items.get(key, {None})

        def begin():
            ledger.items[key] = was | {value}
            ledger.maybe_counter += 1

        def call():
            dynamodb.put_item(TableName=TABLE, Item={"id": {"S": key}, "value": {"S": value}})
            return dynamodb.update_item(
                TableName=TABLE,
                Key={"id": {"S": "counter"}},
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

        def end(_):
            ledger.items[key] = {value}
            ledger.counter += 1

        if not ledger.attempt(begin, call, end):
            return
