"""A plain loop over boto3: receive ten, delete ten. boto3_loop.py URL"""

import json
import os
import sys
import threading
import time

import boto3


def main():
    url = sys.argv[1]
    sqs = boto3.client("sqs")
    delays = []
    print("ready", flush=True)
    sys.stdin.readline()
    threading.Thread(target=end, args=[delays], daemon=True).start()
    while True:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
        messages = received.get("Messages", [])
        if not messages:
            continue
        delays += [1000 * time.time() - float(message["Body"]) for message in messages]
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def end(delays):
    """Ends the process once standard input is closed; a poll may be under way."""
    sys.stdin.read()
    print(json.dumps(delays), flush=True)
    os._exit(0)


main()
