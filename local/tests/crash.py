"""Kills the local AWS at random moments under load, and checks that it kept its word.

    crash.py PROGRAM [--rounds 50] [--seed N]

Each round: workers send, receive, put, delete and update, and note what was acknowledged; at a random
moment the server gets SIGKILL and is started again on the same folder. Then
- every acknowledged message, object and item is there, and what was acknowledged as deleted is not;
- what was under way either happened or did not: no object is half old and half new;
- no message was doubled, and each object has its event;
- no file lies in the folder of bodies that no object or part owns.
"""

import argparse
import json
import os
import random
import shutil
import sys
import threading
import time
import urllib.request
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "boto3")]
from crash_load import BUCKET, TABLE, Ledger, clients, digest
from crash_load import receive_messages, send_messages, write_items, write_objects
from server import Server


def prepare(aws):
    aws["s3"].create_bucket(Bucket=BUCKET)
    queues = {}
    for name in ("crash", "events"):
        queues[name] = aws["sqs"].create_queue(QueueName=name)["QueueUrl"]
    arn = aws["sqs"].get_queue_attributes(QueueUrl=queues["events"], AttributeNames=["QueueArn"])
    created = {"QueueArn": arn["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
    aws["s3"].put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [created]}
    )
    aws["dynamodb"].create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return queues


def drain(aws, url, queue):
    """Everything in a queue, by message id. The clock is moved so that nothing stays hidden."""
    found = {}
    while True:
        request = urllib.request.Request(
            f"{url}/_local/clock",
            json.dumps({"advance_ms": 60_000}).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        urllib.request.urlopen(request).close()
        while True:
            got = aws["sqs"].receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=30)
            messages = got.get("Messages", [])
            if not messages:
                break
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            answer = aws["sqs"].delete_message_batch(QueueUrl=queue, Entries=entries)
            assert not answer.get("Failed"), answer
            for message in messages:
                assert message["MessageId"] not in found, "a deleted message came back"
                found[message["MessageId"]] = message["Body"]
        counts = aws["sqs"].get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        if int(counts["ApproximateNumberOfMessages"]) + int(counts["ApproximateNumberOfMessagesNotVisible"]) == 0:
            return list(found.values())


def check_messages(bodies, ledger):
    assert len(bodies) == len(set(bodies)), "a message was doubled"
    found = set(bodies)
    lost = ledger.sent - found - ledger.maybe_deleted
    assert not lost, f"{len(lost)} acknowledged messages are lost"
    risen = found & ledger.deleted
    assert not risen, f"{len(risen)} deleted messages came back"
    strange = found - ledger.maybe_sent
    assert not strange, "messages that nobody sent"
    ledger.sent, ledger.maybe_sent = set(), set()
    ledger.deleted, ledger.maybe_deleted = set(), set()


def check_objects(s3, ledger):
    for key, possible in ledger.objects.items():
        try:
            found = digest(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            found = None
        assert found in possible, f"{key} is neither what it was nor what it was to be"
        ledger.objects[key] = {found}


def check_events(bodies, ledger):
    told = sum(len(json.loads(body).get("Records", [])) for body in bodies)
    # Of each writer one put may have been committed without its answer.
    assert ledger.puts <= told <= ledger.puts + 3, f"{told} events of {ledger.puts} objects"
    ledger.puts = 0


def check_items(dynamodb, ledger):
    pages = dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    items = {item["id"]["S"]: item for page in pages for item in page["Items"]}
    counter = int(items.pop("counter", {"n": {"N": "0"}})["n"]["N"])
    assert ledger.counter <= counter <= ledger.maybe_counter, (ledger.counter, counter)
    ledger.counter = ledger.maybe_counter = counter
    for key, possible in ledger.items.items():
        found = items[key]["value"]["S"] if key in items else None
        assert found in possible, key
        ledger.items[key] = {found}


def check_files(s3, folder):
    """Every file is owned, once the sweep that begins each life is through."""
    for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        address = {"Bucket": BUCKET, "Key": upload["Key"], "UploadId": upload["UploadId"]}
        s3.abort_multipart_upload(**address)
    owned = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for item in page.get("Contents", []):
            owned += int(item["ETag"].strip('"').partition("-")[2] or 1)
    deadline = time.monotonic() + 10
    while (files := len(os.listdir(folder / "blobs"))) != owned:
        assert time.monotonic() < deadline, f"{files} files, of which {owned} are owned"
        time.sleep(0.02)


def run_round(server, queues, ledger, chance):
    aws = clients(server.url)
    stop = threading.Event()
    work = [
        (send_messages, queues["crash"]),
        (send_messages, queues["crash"]),
        (receive_messages, queues["crash"]),
        (write_objects, "a"),
        (write_objects, "b"),
        (write_objects, "c"),
        (write_items, "x"),
        (write_items, "y"),
    ]
    failures = []

    def guarded(job, argument, seed):
        try:
            job(aws, ledger, argument, random.Random(seed), stop)
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(target=guarded, args=(job, argument, chance.random()))
        for job, argument in work
    ]
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0.05, 1.2))
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures
    acknowledged = (len(ledger.sent), ledger.puts, ledger.counter)

    server.start()
    aws = clients(server.url)
    check_objects(aws["s3"], ledger)
    check_items(aws["dynamodb"], ledger)
    check_files(aws["s3"], server.folder)
    check_messages(drain(aws, server.url, queues["crash"]), ledger)
    check_events(drain(aws, server.url, queues["events"]), ledger)
    return acknowledged


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    server = Server(options.program).start()
    queues = prepare(clients(server.url))
    drain(clients(server.url), server.url, queues["events"])
    ledger = Ledger()
    totals = [0, 0, 0]
    before = 0
    try:
        for number in range(1, options.rounds + 1):
            messages, objects, items = run_round(server, queues, ledger, chance)
            totals = [totals[0] + messages, totals[1] + objects, items]
            print(f"round {number}: {messages} messages, {objects} objects, {items - before} items", flush=True)
            before = ledger.counter
    finally:
        server.stop()
    shutil.rmtree(server.folder)
    print(
        f"{options.rounds} kills: {totals[0]} messages, {totals[1]} objects and {totals[2]} items "
        "were acknowledged, and all of them kept"
    )


if __name__ == "__main__":
    main()
