#!/usr/bin/env python3
"""Measures the worker against other consumers of the same queue, one after the other, in turns.

    worker.py FOLDER_OF_BINARIES NODE_FOLDER [--messages 20000] [--rounds 3] [--idle 60]

A row is one consumer: messages per CPU second and per second from a backlog, the delay from sent
to handled at a steady rate that all can keep, and empty receives in an idle minute.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3

from idle import Idle

HERE = Path(__file__).resolve().parent
PORT = 14_566
STEADY_RATE = 50
STEADY_SECONDS = 10
TICKS = os.sysconf("SC_CLK_TCK")


class Consumer:
    """One that can be started on any queue's URL."""

    def __init__(self, name, *command):
        self.name = name
        self.command = command

    def start(self, url, endpoint):
        environment = {
            **os.environ, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "NODE_NO_WARNINGS": "1",
        }  # fmt: skip
        command = [part.replace("URL", url) for part in map(str, self.command)]
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n", f"{self.name} is not ready"
        return process


def begin(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def finish(process):
    """Ends it; gives the delays that it saw, in milliseconds."""
    out, _ = process.communicate(timeout=60)
    return json.loads(out)


def cpu_seconds(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Queue:
    """A queue of the embedded AWS in a process of its own."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.sqs = boto3.client(
            "sqs", endpoint_url=endpoint, region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip
        self.url = self.sqs.create_queue(QueueName="bench")["QueueUrl"]

    def fill(self, count):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: self.send(10), range(count // 10)))

    def send(self, count):
        entries = [{"Id": str(n), "MessageBody": f"{1000 * time.time():.3f}"} for n in range(count)]
        self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    def left(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(map(int, answer["Attributes"].values()))

    def until_empty(self):
        while self.left():
            time.sleep(0.05)


def backlog(consumer, queue, messages):
    """Messages per CPU second, and per second."""
    queue.fill(messages)
    process = consumer.start(queue.url, queue.endpoint)
    before, began = cpu_seconds(process), time.monotonic()
    begin(process)
    queue.until_empty()
    wall, cpu = time.monotonic() - began, cpu_seconds(process) - before
    handled = len(finish(process))
    assert handled == messages, f"{consumer.name} handled {handled} of {messages}"
    return messages / cpu, messages / wall


def steady(consumer, queue):
    """The 99th percentile of the delay, in milliseconds, of a few messages that come evenly."""
    process = consumer.start(queue.url, queue.endpoint)
    begin(process)
    time.sleep(1)
    first = time.monotonic()
    for number in range(STEADY_RATE * STEADY_SECONDS):
        time.sleep(max(0.0, first + number / STEADY_RATE - time.monotonic()))
        queue.send(1)
    queue.until_empty()
    return statistics.quantiles(finish(process), n=100)[98]


def consumers(binaries, node):
    return [
        Consumer("fotograma, 2 slots", binaries / "noop_worker", "URL", 2, 1, 2),
        Consumer("fotograma, 40 slots, batches", binaries / "noop_worker", "URL", 40, 10, 2),
        Consumer("the same, one CPU", binaries / "noop_worker", "URL", 40, 10, 1),
        Consumer("bare loop, Rust", binaries / "bare_loop", "URL"),
        Consumer("sqs-consumer, default", "node", node / "sqs_consumer.js", "URL", "default"),
        Consumer("sqs-consumer, its best", "node", node / "sqs_consumer.js", "URL", "best"),
        Consumer("boto3 loop", sys.executable, HERE / "consumers/boto3_loop.py", "URL"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", type=Path)
    parser.add_argument("node", type=Path)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=60)
    arguments = parser.parse_args()
    everybody = consumers(arguments.binaries, arguments.node)
    idle = Idle(arguments.idle).measure(everybody)
    local = subprocess.Popen(
        [arguments.binaries / "local", "--port", str(PORT)],
        stdout=subprocess.PIPE, stdin=subprocess.PIPE,
    )  # fmt: skip
    local.stdout.readline()
    try:
        rows = measure(everybody, Queue(f"http://127.0.0.1:{PORT}"), arguments)
    finally:
        local.terminate()
        local.wait()
    print(
        "| consumer | messages per CPU s | messages/s | p99 delay, ms | empty receives a minute |"
    )
    print("|---|---|---|---|---|")
    for consumer in everybody:
        per_cpu, per_second, p99 = map(statistics.median, rows[consumer.name])
        cells = [f"{per_cpu:,.0f}", f"{per_second:,.0f}", f"{p99:.1f}", str(idle[consumer.name])]
        print(f"| {' | '.join([consumer.name, *cells])} |")


def measure(everybody, queue, arguments):
    """For each consumer the figures of all rounds; in each round everybody has a turn."""
    rows = {consumer.name: ([], [], []) for consumer in everybody}
    for number in range(arguments.rounds):
        for consumer in everybody:
            per_cpu, per_second = backlog(consumer, queue, arguments.messages)
            p99 = steady(consumer, queue)
            for kept, figure in zip(rows[consumer.name], (per_cpu, per_second, p99), strict=True):
                kept.append(figure)
            print(f"{number} {consumer.name}: {per_cpu:.0f} {per_second:.0f} {p99:.1f}",
                  file=sys.stderr)  # fmt: skip
    return rows


if __name__ == "__main__":
    main()
